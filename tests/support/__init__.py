# SPDX-License-Identifier: Apache-2.0
"""What the scenarios share: a client, the proxy as a process, and scripted Glances."""
