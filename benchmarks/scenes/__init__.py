"""Pictures per second of the renderer, beside moderngl on EGL and the rays of embree."""
