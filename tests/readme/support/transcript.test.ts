import { expect, test } from 'vitest';
import { differenceOf, readTranscript, runTranscript } from './transcript.ts';

const fence = '```';
const DOCUMENT = `
${fence}bash
echo outside
${fence}
<!-- transcript:begin -->
${fence}bash
WORD=hello
${fence}
Then:
${fence}bash
echo "$WORD 17"; echo '{"a":"x"}'
${fence}
${fence}text
hello …
{"a":"…"}
${fence}
${fence}bash
echo '{"a":[1,{"b":"2"}]}'
${fence}
${fence}json
{ "a": [1, { "b": "…" }] }
${fence}
<!-- transcript:end -->
`;

const step = { command: '', line: 1, form: 'text', expected: '{"a":"…"}' } as const;

test('a transcript is the bash blocks between its markers, run in one shell, each with the output that follows it', async () => {
  const steps = readTranscript(DOCUMENT);
  expect(steps.map(({ form }) => form)).toEqual(['none', 'text', 'json']);
  const outputs = await runTranscript(steps, {});
  expect(outputs).toEqual(['', 'hello 17\n{"a":"x"}', '{"a":[1,{"b":"2"}]}']);
  expect(steps.map((each, index) => differenceOf(each, outputs[index] ?? ''))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('another value, a missing or further line and an empty place are differences', () => {
  for (const output of ['{"b":"x"}', '{"a":"x"}\nmore', '', '{"a":""}', '{"a":"x","b":"y"}']) {
    expect(differenceOf(step, output)).toContain('line 1');
    expect(differenceOf({ ...step, form: 'json' }, output)).toContain('line 1');
  }
});

test('a command that fails is named by its line', async () => {
  const steps = readTranscript(DOCUMENT.replace('WORD=hello', 'false'));
  await expect(runTranscript(steps, {})).rejects.toThrow(`line ${steps[0]?.line}: bash ended with 1`);
});
