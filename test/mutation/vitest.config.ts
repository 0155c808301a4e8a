import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The tests that wait come last, because the first test that fails ends the run against a mutant. */
class ByName extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((one, other) => (one.moduleId < other.moduleId ? -1 : 1));
  }
}

/** For mutation tests: without the tests that explore many histories, because they take long and kill no more mutants. */
export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/{properties,protocol-model,fuzz}.test.ts'],
    sequence: { sequencer: ByName },
    testTimeout: 5_000,
    hookTimeout: 5_000,
  },
});
