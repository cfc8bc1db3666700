"""The lessons: what pages compute in front of the reader, with the project's own layers."""
