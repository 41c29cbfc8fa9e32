"""Sets of pictures with labels: heads, airliners, cars; written whole, resumed, and shown as a contact sheet."""
