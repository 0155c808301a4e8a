import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The tests that wait come last, because the first test that fails ends the run against a mutant. */
class ByName extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((one, other) => (one.moduleId < other.moduleId ? -1 : 1));
  }
}

/** The tests that `mutation-run.ts` names, with a short time limit: a mutant can wait for something that never happens. */
export default defineConfig({
  test: {
    include: JSON.parse(process.env.MUTATION_TESTS ?? '[]') as string[],
    sequence: { sequencer: ByName },
    testTimeout: 5_000,
    hookTimeout: 5_000,
  },
});
