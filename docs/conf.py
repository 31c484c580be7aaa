"""How the documentation is built: ``sphinx-build -W -n docs OUT``, without the network."""

project = "labelaudit"
author = "The labelaudit developers"
project_copyright = author

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "labelaudit"
html_copy_source = False
nitpicky = True

# Types of other libraries, shapes such as (N, K) and inner rooms are words here: no links.
PUBLIC = r"labelaudit\.(api|audits\.settings|errors|findings)\."
nitpick_ignore_regex = [("py:(class|data|obj)", rf"(?!{PUBLIC}).*")]

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
napoleon_google_docstring = False
napoleon_use_rtype = False
