--- What figures look like: colours, dashes, marks and palettes.
--
-- Colours are those of Okabe and Ito, which colour-blind readers can tell apart; dashes and
-- marks differ as well, for print in black and white.
local style = {}

-- Okabe–Ito without its yellow, too pale for a thin line on white.
style.colours = {
  "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
}
-- gnuplot dash patterns: pairs of drawn and empty lengths. Five, so that with seven colours
-- the pairs repeat only after 35 series.
style.dashes = { "solid", "(12,4)", "(3,3)", "(12,3,3,3)", "(18,4)" }
-- gnuplot point types: filled disc, square, triangle, diamond, …, then hollow ones.
style.marks = { 7, 5, 9, 13, 11, 6, 4, 8, 12 }

style.palettes = {
  blues = "(0 '#FFFFFF', 0.25 '#C6DBEF', 0.5 '#6BAED6', 0.75 '#2171B5', 1 '#08306B')",
  greys = "(0 '#FFFFFF', 1 '#000000')",
  viridis = "(0 '#440154', 0.25 '#3B528B', 0.5 '#21918C', 0.75 '#5EC962', 1 '#FDE725')",
  diverging = "(0 '#0072B2', 0.25 '#8FC1DF', 0.5 '#FFFFFF', 0.75 '#EBA878', 1 '#D55E00')",
}

return style
