# SPDX-License-Identifier: Apache-2.0
"""The three parties of a scenario: a client, the proxy, and a Glance that does as it is told."""
