/** Sample values as Go's `strconv.ParseFloat` reads them, less the forms Prometheus excludes (`p`, `P`, `_`). */

const TAB = 0x09;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const UPPER_E = 0x45;
const LOWER_E = 0x65;

/** Digits a double holds exactly whatever they are. */
const EXACT_DIGITS = 15;
/** Longer than any sensible number: the decimal form of a double can be long, but it is not written so. */
const MAX_CHARACTERS = 1100;
/** Powers of ten that are doubles; one multiplication or division by one of them rounds once, as a correct parser does. */
const POWERS = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

const DECIMAL = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const INFINITY = /^([+-]?)inf(?:inity)?$/i;
const NOT_A_NUMBER = /^nan$/i;

/**
 * Reads one number from bytes without making a string of it, where that is exact; else leaves it to {@link parseFloatText}.
 * One reader per parser: `end` and `value` tell the outcome, so that nothing is allocated per sample.
 */
export class FloatReader {
  value = 0;
  /** After the number: a blank, a line end, `{` or the end of the bytes. */
  end = 0;

  /** False: the word at `at` (up to `end`) is no number Prometheus accepts. */
  read(bytes: Uint8Array, at: number): boolean {
    let i = at;
    const sign = bytes[i];
    if (sign === MINUS || sign === PLUS) i++;
    let digits = 0;
    let leading = 0;
    let scale = 0;
    let mantissa = 0;
    let dot = false;
    let byte = bytes[i];
    for (; byte !== undefined; byte = bytes[++i]) {
      if (byte >= ZERO && byte <= NINE) {
        mantissa = mantissa * 10 + (byte - ZERO);
        if (mantissa === 0) leading++;
        else digits++;
        if (dot) scale++;
      } else if (byte === DOT && !dot) {
        dot = true;
      } else {
        break;
      }
    }
    // Never -0, as a negation would make it: code that the engine made for integers would be thrown away, number after number.
    let power = 0 - scale;
    if (byte === LOWER_E || byte === UPPER_E) {
      const negative = bytes[i + 1] === MINUS;
      let j = negative || bytes[i + 1] === PLUS ? i + 2 : i + 1;
      const first = j;
      let exponent = 0;
      for (byte = bytes[j]; byte !== undefined && byte >= ZERO && byte <= NINE && j < first + 4; byte = bytes[++j]) {
        exponent = exponent * 10 + (byte - ZERO);
      }
      if (j === first) return this.#slow(bytes, at, i);
      power += negative ? 0 - exponent : exponent;
      i = j;
    }
    if (digits + leading === 0 || digits > EXACT_DIGITS || power > 22 || power < -22 || i - at > MAX_CHARACTERS || !isEnd(byte))
      return this.#slow(bytes, at, i);
    const size = power < 0 ? mantissa / (POWERS[-power] as number) : mantissa * (POWERS[power] as number);
    this.value = sign === MINUS ? -size : size;
    this.end = i;
    return true;
  }

  #slow(bytes: Uint8Array, at: number, from: number): boolean {
    let end = Math.max(at, from);
    while (!isEnd(bytes[end]) && bytes[end] !== 0x7b) end++;
    this.end = end;
    let text = '';
    if (end - at > MAX_CHARACTERS) return false;
    for (let i = at; i < end; i++) text += String.fromCharCode(bytes[i] as number);
    const value = parseFloatText(text);
    if (value === undefined) return false;
    this.value = value;
    return true;
  }
}

const isEnd = (byte: number | undefined): boolean => byte === undefined || byte === SPACE || byte === NEWLINE || byte === TAB;

/** `undefined`: not a number in Go's sense, or beyond the largest double (Go calls that an error, too). */
export function parseFloatText(text: string): number | undefined {
  if (DECIMAL.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  const infinite = INFINITY.exec(text);
  if (infinite !== null) return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return NOT_A_NUMBER.test(text) ? Number.NaN : undefined;
}

/**
 * A `le` or `quantile` value in OpenMetrics' form, to which Prometheus 3 brings both text formats: `1` becomes `1.0`.
 * Text that is no number stays as it is. Like Go's `%g`: an exponent from 1e6 up and below 1e-4, of at least 2 digits.
 */
export function normalizeFloatLabel(text: string): string {
  const value = /[pP_]/.test(text) ? undefined : parseFloatText(text);
  if (value === undefined) return text;
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return '0.0';
  const [mantissa = '', exponentText = '0'] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 6) {
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const plain = plainDecimal(mantissa, exponent);
  return plain.includes('.') ? plain : `${plain}.0`;
}

/** Digits without an exponent; `toString` and `toFixed` switch forms or round. */
function plainDecimal(mantissa: string, exponent: number): string {
  const sign = mantissa.startsWith('-') ? '-' : '';
  const digits = mantissa.replace('-', '').replace('.', '');
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const rest = digits.slice(exponent + 1);
  return rest === '' ? sign + whole : `${sign}${whole}.${rest}`;
}
