# SPDX-License-Identifier: Apache-2.0
"""Imported by the process that python_clients.py forks, and by nobody else."""
import python_clients

python_clients.warm_up()
