"""Recipes of the evaluation container: typed, with the line of everything that is wrong."""

from evalayer_lab.recipe._models import Evaluation, Inference, Postprocessing, Preprocessing, Processor, Recipe, Run
from evalayer_lab.recipe._read import read_recipe

__all__ = ["Evaluation", "Inference", "Postprocessing", "Preprocessing", "Processor", "Recipe", "Run", "read_recipe"]
