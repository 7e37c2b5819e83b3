import { DockerfileParser, type Instruction, ModifiableInstruction } from 'dockerfile-ast';

/** One thing a build does, with its continuation lines joined. */
export interface Step {
  readonly keyword: string;
  /** Options such as `--from=install`. */
  readonly flags: readonly string[];
  readonly words: readonly string[];
  /** Everything behind the options as one line. */
  readonly text: string;
}

export interface Stage {
  readonly name: string;
  readonly base: string;
  readonly steps: readonly Step[];
}

function toStep(instruction: Instruction): Step {
  const text = (instruction.getRawArgumentsContent() ?? '').replace(/\\\s*\n\s*/g, ' ').trim();
  const flags = instruction instanceof ModifiableInstruction ? instruction.getFlags().map(String) : [];
  return { keyword: instruction.getKeyword(), flags, words: text.split(/\s+/), text };
}

/** The stages of a Dockerfile in their order. */
export function stagesOf(text: string): Stage[] {
  const stages: { name: string; base: string; steps: Step[] }[] = [];
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    const step = toStep(instruction);
    if (step.keyword === 'FROM') stages.push({ name: step.words[2] ?? '', base: step.words[0] ?? '', steps: [] });
    else stages.at(-1)?.steps.push(step);
  }
  return stages;
}
