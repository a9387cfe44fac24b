"""Published dosing algorithms: regressions and nomograms that give a dose without a kinetic model."""
