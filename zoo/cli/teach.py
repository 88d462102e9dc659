"""`soundzoo teach`: what teachers say of a training's mixtures, kept for many trainings."""

from zoo.cli.output import add_command
from zoo.cli.progress import counting
from zoo.training import TrainConfig, read_config


def add_teach(commands):
    parser = add_command(
        commands,
        "teach",
        _teach,
        "Let teachers hear what networks will train on, once for all of them.",
        "soundzoo teach prepared/ runs/taught --config recipe.yaml --steps 5000\n"
        "  soundzoo train prepared/ runs/vgg --config recipe.yaml --model vgg --taught runs/taught",
    )
    parser.add_argument("data", metavar="DATA", help="folder that soundzoo prepare wrote")
    parser.add_argument(
        "folder",
        metavar="OUT",
        help="folder to write; an interrupted run goes on when it is repeated",
    )
    parser.add_argument(
        "--config",
        metavar="FILE.yaml",
        required=True,
        help="options of the training: its teachers, batch and augmentation",
    )
    parser.add_argument(
        "--steps",
        type=int,
        required=True,
        metavar="N",
        help="hear the mixtures of so many steps, which a training goes through again and again",
    )


def _teach(options):
    config = TrainConfig.from_dict(read_config(options.config))

    # Here, because what comes before, and the other commands, need no TensorFlow.
    from zoo.data import open_prepared
    from zoo.training import teach

    data = open_prepared(options.data, skip_corrupt=config.skip_corrupt)
    with counting(options.steps, "steps") as progress:
        teach(data, options.folder, config, steps=options.steps, progress=progress)
    print(f"Done. Learn from it: soundzoo train {options.data} RUN --taught {options.folder} ...")
    return 0
