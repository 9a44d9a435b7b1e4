/* Links, "#name?key=value&...": what a text in them may be, for reading and writing alike.
 *
 * A codec reads a text and returns its value, undefined if it has none; wanted says what it may be.
 * Every value is written as String does, which no codec refuses to read. */
Live.links = (() => {
  "use strict";

  const MOST = 40; // characters of a text that is repeated to the reader

  const bound = (v) => (v !== 0 && Math.abs(v) < 1e-3 ? Live.numbers.number(v) : String(v));

  const real = ({ min, max }) => ({
    wanted: `a number between ${bound(min)} and ${bound(max)}`,
    read: (text) => {
      // Readers type a minus sign, too.
      const value = text.trim() === "" ? NaN : Number(text.replace(/−/g, "-"));
      return value >= min && value <= max ? value : undefined;
    },
  });

  const whole = (scale) => {
    const { wanted, read } = real(scale);
    return {
      wanted: wanted.replace("a number", "a whole number"),
      read: (text) => (Number.isInteger(read(text)) ? read(text) : undefined),
    };
  };

  const choice = (offered) => ({
    wanted: `one of ${offered.join(", ")}`,
    read: (text) => (offered.includes(text) ? text : undefined),
  });

  const flag = {
    wanted: "true or false",
    read: (text) => (["true", "false"].includes(text) ? text === "true" : undefined),
  };

  // Some of the names, in any order; the value has them in this one.
  const subset = (names) => ({
    wanted: `some of ${names.join(",")}`,
    read: (text) => {
      const given = text.split(",").filter((name) => name !== "");
      if (given.some((name) => !names.includes(name))) return undefined;
      return names.filter((name) => given.includes(name)).join(",");
    },
  });

  const list = (codec, length) => ({
    wanted: `${length} numbers, each ${codec.wanted}`,
    read: (text) => {
      const values = text.split(",").map(codec.read);
      return values.length === length && !values.includes(undefined) ? values : undefined;
    },
  });

  const quoted = (text) => `“${text.length > MOST ? `${text.slice(0, MOST)}…` : text}”`;

  const refuseOthers = (query, keys) => {
    for (const key of query.keys()) {
      if (!keys.includes(key)) throw new Error(`there is no setting ${quoted(key)}`);
    }
  };

  /* Return what a query says of a key, the fallback where it is silent.
   * Throws an error that says what is wrong with it. */
  const read = (query, key, codec, fallback) => {
    if (!query.has(key)) return fallback;
    const value = codec.read(query.get(key));
    if (value !== undefined) return value;
    throw new Error(`${key} is ${quoted(query.get(key))}, and must be ${codec.wanted}`);
  };

  // The link that names the settings in which values differ from others.
  const write = (name, always, values, others) => {
    const differing = Object.entries(values).filter(([key, value]) => value !== others[key]);
    const pairs = [...Object.entries(always), ...differing];
    return `#${name}?${pairs.map(([key, value]) => `${key}=${value}`).join("&")}`;
  };

  const query = (hash) => new URLSearchParams(hash.slice(hash.indexOf("?") + 1));

  return { choice, flag, list, query, read, real, refuseOthers, subset, whole, write };
})();
