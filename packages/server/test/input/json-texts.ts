/**
 * Texts to parse, made by hand from the grammar of RFC 8259, production by production, in the spirit of the public JSON
 * parsing suites; nothing is copied from them. A `Buffer` stands where the text is not UTF-8.
 */
const bytes = (...values: (number | string)[]): Buffer =>
  Buffer.concat(values.map((value) => (typeof value === 'number' ? Buffer.from([value]) : Buffer.from(value))))

/** Every production in its plain and its least usual forms: section 2 to 7. */
// biome-ignore format: one line per group of texts
export const accepted: readonly (string | Buffer)[] = [
  // Section 2: any value may stand alone, with insignificant white space about it
  ...['null', 'true', 'false', '0', '""', '[]', '{}', ' null', 'null ', '\tnull\t', '\nnull\n', '\r\nnull\r\n', ' \t\n\r{} \t\n\r'],
  // Section 4: objects
  ...['{"a":1}', '{"a":1,"b":2}', '{ "a" : 1 , "b" : 2 }', '{\n"a"\n:\n1\n}', '{"":0}', '{"a":{"a":{"a":{}}}}', '{"a b":1}'],
  ...['{"\\u0061":1}', '{"\\"":1}', '{"\\\\":1}', '{"a:b,c}":1}', '{"1":1}', '{"a":[],"b":{},"c":null}', '{"ключ":1}', '{"😀":1}'],
  // Section 5: arrays
  ...['[null]', '[1,2,3]', '[ 1 , 2 ]', '[[]]', '[[],[[]]]', '[{}]', '["]"]', '["[",",","}"]', '[1,"a",null,true,{}]', '[\n]'],
  // Section 6: numbers
  ...['-0', '-1', '10', '1.5', '-1.5', '0.0', '1e2', '1E2', '1e+2', '1e-2', '1.5E+10', '0e0', '0.1e1', '9007199254740993'],
  ...['-9223372036854775809', '123456789012345678901234567890', '1.7976931348623157e308', '5e-324', '0.30000000000000004'],
  // Section 7: strings
  ...['"a"', '"\\""', '"\\\\"', '"\\/"', '"/"', '"\\b\\f\\n\\r\\t"', '"\\u0041"', '"\\u00e9"', '"\\uD83D\\uDE00"', '"\\u0000"'],
  ...['"\\u001f"', '"\u007f"', '"é"', '"漢字"', '"😀"', '"\u2028\u2029"', '"\uFEFF"', '"\u00a0"', '"\\\\\\""', `"${'a'.repeat(300)}"`],
  ...[`"${'\\\\'.repeat(100)}"`, `"${'\\"'.repeat(100)}"`, '"\\u2028"', '"<script>"', '"\u{10FFFF}"', '"\uFFFE"'],
]

/** Nothing of this is JSON. */
// biome-ignore format: one line per group of texts
export const rejected: readonly (string | Buffer)[] = [
  // Section 2: no value, several values, or something beside it
  ...['', ' ', '\n', '1 2', 'null null', '{}{}', '[][]', '{} x', '[1]x', '1,', ',1', '{}}', '[]]', '""""', 'nullx', '#', '/**/', '// x'],
  ...['{}//', '{}#', '{}/*x*/', '{/*x*/}', '[1/*x*/]', '\u00a0null', 'null\u00a0', '\u2028{}', '\u000bnull', '\u000cnull', 'null\u0000', '\u0000'],
  // Section 3: other literals
  ...['Null', 'NULL', 'True', 'FALSE', 'nul', 'tru', 'fals', 'undefined', 'None', 'yes', 'nan', 'NaN', '-NaN', 'Infinity', '-Infinity', '+Infinity'],
  // Section 4: objects
  ...['{', '}', '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', '{,}', '{,"a":1}', '{"a":1,,"b":2}', '{"a" 1}', '{"a"::1}', '{:1}', '{"a":}'],
  ...['{a:1}', "{'a':1}", '{1:1}', '{null:1}', '{[]:1}', '{"a":1 "b":2}', '{"a":1;"b":2}', '{"a"=1}', '{"a":1]', '{"a"}', '{"a","b"}', '{"a":1:2}'],
  ...['{"a":b}', '{true:1}', '{"a":"b}', '{"a\\":1}', '{"a":{}', '{"\\u00":1}', '{"\\x":1}'],
  // Section 5: arrays
  ...['[', ']', '[1', '[1,', '[1,]', '[,]', '[,1]', '[1,,2]', '[1 2]', '[1;2]', '[1:2]', '["a":1]', '[1}', '[[]', '[}', '{]', '[1,\n', '[a]', "['a']"],
  ...['[[1,2]', '["a"', '["a', '["a,]', '[{]}', '[{"a":1]'],
  // Section 6: numbers
  ...['+1', '01', '-01', '00', '1.', '.1', '-.1', '-', '--1', '+-1', '1e', '1e+', '1E-', '1.e1', '1.2.3', '1e1.5', '0x1', '0b1', '0o7', '1_000'],
  ...['1,5', '1 000', '0e', '0.e1', '.e1', '-a', '1a', '1n', '1f', '٣', '１', '-٣', '1e٣', '[-]', '[01]', '[1.]', '[.5]', '[+1]', '[0x1]', '[1e]'],
  // Section 7: strings
  ...['"', '"a', 'a"', "'a'", '`a`', '"\\"', '"\\', '"\\x41"', '"\\a"', '"\\\'"', '"\\0"', '"\\v"', '"\\U0041"', '"\\u"', '"\\u1"', '"\\u12"'],
  ...['"\\u123"', '"\\u00G0"', '"\\u+041"', '"\\u 041"', '"\\ "', '"\n"', '"\r"', '"\t"', '"\u0000"', '"\u0001"', '"\u001f"', '"a\nb"', '"\\\n"'],
  ...['“a”', '\\u0022a\\u0022', '"a" "b"', '"\\u{41}"', '"\\😀"', 'a', '*', '@', '$', '<a/>', '<?xml version="1.0"?>', 'a=1&b=2', '---\na: 1'],
]

/** Not UTF-8 (RFC 3629): the encoding is refused before the grammar. */
export const misencoded: readonly Buffer[] = [
  bytes('"', 0xff, '"'), // no such byte
  bytes('"', 0xfe, '"'),
  bytes('"', 0x80, '"'), // a continuation alone
  bytes('"', 0xe9, '"'), // Latin-1
  bytes('"', 0xc3, '"'), // cut sequences
  bytes('"', 0xe2, 0x82, '"'),
  bytes('"', 0xf0, 0x9f, 0x98, '"'),
  bytes('"', 0xc0, 0xaf, '"'), // overlong forms
  bytes('"', 0xc1, 0xbf, '"'),
  bytes('"', 0xe0, 0x80, 0xaf, '"'),
  bytes('"', 0xf0, 0x80, 0x80, 0xaf, '"'),
  bytes('"', 0xed, 0xa0, 0x80, '"'), // surrogates, alone and as a pair
  bytes('"', 0xed, 0xb0, 0x80, '"'),
  bytes('"', 0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80, '"'),
  bytes('"', 0xf4, 0x90, 0x80, 0x80, '"'), // beyond U+10FFFF
  bytes('"', 0xf8, 0x88, 0x80, 0x80, 0x80, '"'),
  bytes('{"', 0xff, '":1}'),
  bytes('{"a":1}', 0xff),
  Buffer.from('\uFEFF{"a":1}', 'utf16le'),
  Buffer.from('[é]', 'utf16le'),
]

/** RFC 8259 leaves these open (duplicate names, byte order marks, range of numbers, lone surrogates): any answer but a failure. */
// biome-ignore format: one line per group of texts
export const open: readonly string[] = [
  ...['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '\uFEFF{}', '1e400', '-1e400', '[1e999999]', '1e-999', '"\\ud800"', '"\\udc00"', '"\\ud800\\ud800"'],
  ...['"\\uDE00\\uD83D"', '{"\\ud800":1}', '"\\uD800a"', '["\\uDFFF"]', '{"__proto__":{"x":1}}', '{"constructor":{"prototype":{"x":1}}}'],
  ...[`${'['.repeat(64)}${']'.repeat(64)}`, `[${'0,'.repeat(5_000)}0]`, `"${'\\ud83d\\ude00'.repeat(1_000)}"`],
]
