"""The import rules of ARCHITECTURE.md, and what must not be imported where speed or safety depends on it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("biobench", "judges", "baselines", "biocoach_model", "leaderboard")
MAY_IMPORT = {
    "biobench": set(),
    "judges": {"biobench"},
    "biocoach_model": {"biobench", "judges.claims"},
    "baselines": {"biobench", "judges.claims", "biocoach_model"},
    "leaderboard": {"biobench", "judges"},
}


def imports(path):
    """Every module that a file names in an import, at any depth of its code."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"{'.' * node.level}{node.module or ''}"


def sources(package):
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_only_what_they_may(package):
    allowed = MAY_IMPORT[package]
    for path in sources(package):
        for name in imports(path):
            top = name.split(".")[0]
            if top in PACKAGES and top != package:
                assert any(name == other or name.startswith(f"{other}.") for other in allowed), f"{path}: {name}"


def test_no_relative_imports():
    for package in PACKAGES:
        for path in sources(package):
            assert not [name for name in imports(path) if name.startswith(".")], path


def test_there_are_no_circles_of_modules():
    graph = {}
    for package in PACKAGES:
        for path in sources(package):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            tree = ast.parse(path.read_text(encoding="utf-8"))
            top_level = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
            graph[module] = {
                name
                for node in top_level
                for name in ([a.name for a in node.names] if isinstance(node, ast.Import)
                             else [node.module, *(f"{node.module}.{a.name}" for a in node.names)])
            }  # fmt: skip
    done, path = set(), []

    def visit(module):
        assert module not in path, " -> ".join([*path, module])
        if module in done or module not in graph:
            return
        path.append(module)
        for name in sorted(graph[module] - {module}):
            visit(name)
        path.pop()
        done.add(module)

    for module in graph:
        visit(module)


MAY_CONNECT = {("connection.py", "openai"), ("connection.py", "httpx2"), ("endpoint.py", "urllib")}
"""Of biobench/chat: the one module that opens a connection, and the one that takes addresses apart."""


def test_torch_models_and_the_network_stay_out_of_the_instrument():
    for path in sources("biobench"):
        for name in imports(path):
            top = name.split(".")[0]
            network = top in {"socket", "urllib", "http", "requests", "httpx", "httpx2", "openai", "aiohttp"}
            assert not network or (path.name, name.split(".")[0]) in MAY_CONNECT, (path, name)
            # One module writes pickles, none reads them; tests/body/test_pickled.py attacks the reader.
            assert top not in {"marshal", "shelve"} | ({"pickle"} if path.name != "safe_npy.py" else set()), path
            if top in {"torch", "transformers", "bert_score"}:
                assert path.name == "bertscore.py", path


def test_nothing_unpickles():
    for package in PACKAGES:
        for path in sources(package):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                assert not (
                    isinstance(node, ast.Attribute)
                    and node.attr in {"Unpickler", "loads"}
                    and isinstance(node.value, ast.Name)
                    and node.value.id == "pickle"
                ), path
                if isinstance(node, ast.Call):
                    for keyword in node.keywords:
                        constant = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
                        assert (keyword.arg, constant) not in {("allow_pickle", True), ("weights_only", False)}, path


def modules_after(code):
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sorted(sys.modules), file=sys.stderr)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {module.split(".")[0] for module in done.stderr.split()}, done.stdout


def test_help_imports_nothing_heavy():
    modules, text = modules_after("""
from biobench.cli.main import main
sys.argv = ["biobench", "--help"]
try:
    main()
except SystemExit as done:
    assert not done.code
""")
    assert "evaluate" in text
    assert not modules & {"numpy", "rich", "datasets", "pandas", "scipy", "nltk", "torch", "transformers"}


def test_evaluate_imports_nothing_that_it_does_not_need():
    modules, text = modules_after("""
from biobench.cli.main import main
sys.argv = ["biobench", "evaluate", "sample:metronome5"]
try:
    main()
except SystemExit as done:
    assert not done.code
""")
    assert "meteor" in text
    assert "numpy" in modules
    assert not modules & {"datasets", "pandas", "scipy", "nltk", "rouge_score", "torch", "transformers", "bert_score"}


def test_import_biobench_is_light():
    modules, _ = modules_after("import biobench")
    assert not modules & {"numpy", "click", "rich"}


def test_architecture_names_every_module():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for path in sources("biobench"):
        if path.parent.name in {"biobench", "readers", "metrics", "body"} and path.name not in {"__init__.py"}:
            assert path.name in text, f"{path.name} is not in ARCHITECTURE.md"
