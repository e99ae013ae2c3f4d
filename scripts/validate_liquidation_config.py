#!/usr/bin/env python3
"""Validate a liquidation configuration: `goflat check` under the name of the specification.

scripts/validate_liquidation_config.py [--strict] [--env testnet|production] [--config FILE]
"""

from pathlib import Path

from goflat.cli.check import command

if __name__ == "__main__":
    command(prog_name=Path(__file__).name)
