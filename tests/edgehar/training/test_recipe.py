from dataclasses import dataclass

from edgehar.training.recipe import Recipe


def test_a_recipe_is_told_by_what_is_not_the_default():
    assert Recipe(epochs=3).told() == {"epochs": 3}
    assert Recipe(epochs=3, batch=32, warp=0.2).told() == {"epochs": 3, "warp": 0.2}


def test_a_later_version_with_more_settings_tells_the_same():
    @dataclass(frozen=True)
    class Later(Recipe):
        swirl: float = 0.0

    assert Later(epochs=3, warp=0.2).told() == Recipe(epochs=3, warp=0.2).told()
    assert Later(epochs=3, swirl=0.1).told() == {"epochs": 3, "swirl": 0.1}
