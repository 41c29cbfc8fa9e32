"""The modules of the libraries, one file per library. The laws are written by hand, from the library's claims."""
