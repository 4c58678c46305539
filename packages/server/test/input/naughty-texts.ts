/** Texts that have broken programs: by their bytes, their direction, their look, or by what another language makes of them. */
// biome-ignore format: one line per group of texts
export const naughty: readonly string[] = [
  ...['', ' ', '\t', '\n', '\r\n', '\u0000', 'a\u0000b', '\u0001\u001f\u007f', '\u0085\u009f', '\u00a0\u2003\u3000', '\u200b\u200d\u2060\ufeff'],
  ...['undefined', 'null', 'NaN', 'true', '0', '-1', '1e400', '0x7fffffff', '__proto__', 'constructor', 'toString', 'hasOwnProperty', '[object Object]'],
  ...["' OR 1=1 --", '"; DROP TABLE headgate.projects; --', '$1', '$$', '%s%n%d', '${7*7}', '{{7*7}}', '<%= 1 %>', '`id`', '$(id)', '| id', '../../etc/passwd'],
  ...['<script>alert(1)</script>', '<!--', ']]>', '&amp;', '"><img src=x>', 'javascript:alert(1)', '\\', '\\\\', '\\"', '\\u0000', '/', '//', '?#&=;'],
  ...['Ω≈ç√∫˜µ≤≥÷', 'ÅÍÎÏ', '田中さん', '社會科學', 'الكل في المجمو عة', 'בְּרֵאשִׁית', 'Ṱ̺̺̕o͞ ̷i̲̬͇̪͙n̝̗͕v̟̜̘̦͟o̶̙̰̠kè͚̮̺̪̹̱̤', '\u202etest\u202c', '\u2066a\u2069', 'a\u0301', 'á', 'ﬁ', 'ǅ', 'İ', 'ß'],
  ...['😀', '👨‍👩‍👧‍👦', '🇩🇪', '👍🏿', '\u{10FFFF}', '\u{1F600}\u{FE0F}', '\ufffd', '\ufffe', '\uffff', '\ue000', 'x'.repeat(200), '😀'.repeat(100), 'é'.repeat(200)],
]
/** Lone surrogates. */
export const halves: readonly string[] = ['\ud800', '\udc00', 'a\ud83d', '\ude00\ud83d', '\udfff!']
