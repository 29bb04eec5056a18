"""Pictures of a board, drawn as SVG: no plotting library, no script, colours from the page's own style."""
