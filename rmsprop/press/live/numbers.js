/* Numbers: the scales of sliders, and how values are written. */
Live.numbers = (() => {
  "use strict";

  // --- scales: the values that a slider stops at, in ascending order ------------------------------

  const scale = (values) => {
    const stops = [...new Set(values)];
    return { stops, min: stops[0], max: stops[stops.length - 1] };
  };

  const rounded = (value, digits) => Number(value.toPrecision(digits));

  const shares = (count) => Array.from({ length: count + 1 }, (_, k) => k / count);

  const linear = (min, max, count) =>
    scale(shares(count).map((p) => rounded(min + p * (max - min), 10)));

  const logarithmic = (min, max) =>
    scale(shares(200).map((p) => rounded(min * (max / min) ** p, 2)));

  const withZero = ({ stops }) => scale([0, ...stops]);

  // For an alpha: logarithmic in 1 - alpha, from 0 to 0.9999.
  const memory = scale(shares(200).map((p) => rounded(1 - rounded(10 ** (-4 * p), 2), 8)));

  /* Return the stop, counted from 0, that stands for a value. Between two stops it is the nearer one,
   * but neither end, from where no key would lead to the end itself. */
  const stopOf = ({ stops }, value) => {
    const above = stops.findIndex((stop) => stop >= value);
    if (stops[above] === value) return above;
    const nearer = value - stops[above - 1] < stops[above] - value ? above - 1 : above;
    return Math.min(Math.max(nearer, 1), stops.length - 2);
  };

  // --- words --------------------------------------------------------------------------------------

  const superscript = (n) => String(n).replace("-", "⁻").replace(/\d/g, (d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]);

  // A power of ten, on an axis.
  const power = (decade) =>
    decade > -3 && decade < 4 ? String(rounded(10 ** decade, 1)) : `10${superscript(decade)}`;

  const number = (v) => {
    if (v === 0) return "0";
    const size = Math.abs(v);
    const text = size < 1e-3 || size >= 1e5 ? v.toExponential(1) : String(rounded(v, 3));
    return text.replace(".0e", "e").replace("e+", "e").replace(/-/g, "−");
  };

  return { linear, logarithmic, memory, number, power, rounded, scale, stopOf, withZero };
})();
