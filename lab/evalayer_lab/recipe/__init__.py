"""Recipes of the evaluation container: typed, checked with a line and a code for everything that is wrong, written."""

from evalayer_lab.recipe._check import Report, check_document, check_recipe, check_text, fix_recipe, read_recipe
from evalayer_lab.recipe._edit import Insert, SetValue, apply
from evalayer_lab.recipe._facts import MODELS, TASKS, Kind
from evalayer_lab.recipe._models import (
    AnyRecipe,
    BenchmarkRecipe,
    JudgeRecipe,
    OpenSourceRecipe,
    OtherRecipe,
    Recipe,
    RewardRecipe,
)
from evalayer_lab.recipe._new import NewRecipe, write_recipe
from evalayer_lab.recipe._schema import recipe_schema
from evalayer_lab.recipe._sections import Evaluation, Inference, Postprocessing, Preprocessing, Processor, Run
from evalayer_lab.recipe._subject import Circumstances, Code

__all__ = [
    "MODELS",
    "TASKS",
    "AnyRecipe",
    "BenchmarkRecipe",
    "Circumstances",
    "Code",
    "Evaluation",
    "Inference",
    "Insert",
    "JudgeRecipe",
    "Kind",
    "NewRecipe",
    "OpenSourceRecipe",
    "OtherRecipe",
    "Postprocessing",
    "Preprocessing",
    "Processor",
    "Recipe",
    "Report",
    "RewardRecipe",
    "Run",
    "SetValue",
    "apply",
    "check_document",
    "check_recipe",
    "check_text",
    "fix_recipe",
    "read_recipe",
    "recipe_schema",
    "write_recipe",
]
