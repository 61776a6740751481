"""From a workload's description to a torch module with inputs and gradients."""
