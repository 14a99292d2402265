"""Real service processes under fire, and a judge who counts from the outside what they did."""
