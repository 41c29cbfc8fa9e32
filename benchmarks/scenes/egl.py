"""The same head by moderngl on EGL; without a GPU, Mesa's llvmpipe runs it on the processor."""

from __future__ import annotations

from typing import Any

import numpy as np

from equivariance_zoo.scenes.cameras import WeakPerspectiveCamera
from equivariance_zoo.scenes.lighting import Lighting

SAMPLES = 4

_VERTEX = """
#version 330
in vec3 place; in vec3 normal; in vec3 colour; in float gloss;
uniform float scale; uniform float reach;
out vec3 n; out vec3 tint; out float shine;
void main() {
    gl_Position = vec4(place.xy * scale, -place.z / reach, 1.0);
    n = normal; tint = colour; shine = gloss;
}
"""
_BUFFERS = """
#version 330
in vec3 n; in vec3 tint; in float shine;
layout(location = 0) out vec4 first; layout(location = 1) out vec4 second;
void main() { first = vec4(n, float(gl_PrimitiveID)); second = vec4(tint, gl_FragCoord.z); }
"""
_SHADED = """
#version 330
in vec3 n; in vec3 tint; in float shine;
uniform vec3 direction[2]; uniform vec3 light[2]; uniform vec3 ground; uniform vec3 sky; uniform float wrap;
uniform float exponent;
out vec4 picture;
void main() {
    vec3 m = normalize(n); m = m.z < 0 ? -m : m;
    vec3 found = tint * mix(ground, sky, 0.5 + 0.5 * m.y);
    for (int k = 0; k < 2; k++) {
        float facing = dot(m, direction[k]);
        float diffuse = max((facing + wrap) / (1.0 + wrap), 0.0);
        float high = facing > 0 ? pow(max(dot(m, normalize(direction[k] + vec3(0, 0, 1))), 0.0), exponent) : 0.0;
        found += light[k] * (tint * diffuse * diffuse + shine * high);
    }
    picture = vec4(found, 1.0);
}
"""


class Egl:
    """A context with the triangles of a head; vertices and normals are sent anew for each picture."""

    def __init__(self, triangles: Any, colours: Any, gloss: Any, lighting: Lighting, size: int) -> None:
        import moderngl

        self.context = context = moderngl.create_standalone_context(backend="egl")
        context.enable(moderngl.DEPTH_TEST)
        self.name = context.info["GL_RENDERER"]
        count = len(colours)
        self.places = context.buffer(reserve=count * 24)
        fixed = context.buffer(np.concatenate([colours, gloss[:, None]], axis=1).astype(np.float32).tobytes())
        numbers = context.buffer(np.ascontiguousarray(triangles, dtype=np.int32).tobytes())
        shaders = {"buffers": _BUFFERS, "picture": _SHADED}
        self.programs = {name: context.program(_VERTEX, shader) for name, shader in shaders.items()}
        self.arrays = {}
        for name, program in self.programs.items():
            moving = (
                (self.places, "3f 3f", "place", "normal") if "normal" in program else (self.places, "3f 12x", "place")
            )
            still = (fixed, "3f 1f", "colour", "gloss") if "gloss" in program else (fixed, "3f 4x", "colour")
            self.arrays[name] = context.vertex_array(program, [moving, still], numbers)
        shaded = self.programs["picture"]
        shaded["direction"].write(lighting.directions.astype(np.float32).tobytes())
        shaded["light"].write(lighting.colours.astype(np.float32).tobytes())
        shaded["ground"].value, shaded["sky"].value = map(tuple, lighting.ambient)
        shaded["wrap"].value, shaded["exponent"].value = lighting.wrap, 2.0**lighting.sharpness
        self._targets(context, size)

    def _targets(self, context: Any, size: int) -> None:
        shape = (size, size)
        self.floats = context.framebuffer(
            [context.renderbuffer(shape, 4, dtype="f4") for _ in range(2)], context.depth_renderbuffer(shape)
        )
        self.sampled = context.framebuffer(
            [context.renderbuffer(shape, 4, samples=SAMPLES, dtype="f2")],
            context.depth_renderbuffer(shape, samples=SAMPLES),
        )
        self.averaged = context.framebuffer([context.renderbuffer(shape, 4, dtype="f2")])
        self.size = size

    def _draw(self, name: str, target: Any, camera: WeakPerspectiveCamera, seen: Any, normals: Any) -> None:
        self.places.write(np.concatenate([seen, normals], axis=1).astype(np.float32).tobytes())
        program = self.programs[name]
        program["scale"].value, program["reach"].value = camera.scale, 64.0
        target.use()
        target.clear(0, 0, 0, 0)
        self.arrays[name].render()

    def buffers(self, camera: WeakPerspectiveCamera, seen: Any, normals: Any) -> list[Any]:
        """Normal and triangle, colour and depth: two targets of four floats."""
        self._draw("buffers", self.floats, camera, seen, normals)
        return [
            np.frombuffer(self.floats.read(components=4, attachment=k, dtype="f4"), np.float32).reshape(
                self.size, -1, 4
            )[::-1]
            for k in range(2)
        ]

    def picture(self, camera: WeakPerspectiveCamera, seen: Any, normals: Any) -> Any:
        """A shaded picture with four samples for each pixel."""
        self._draw("picture", self.sampled, camera, seen, normals)
        self.context.copy_framebuffer(self.averaged, self.sampled)
        found = np.frombuffer(self.averaged.read(components=4, dtype="f2"), np.float16)
        return found.reshape(self.size, -1, 4)[::-1].astype(np.float32)
