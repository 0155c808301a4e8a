import { collect } from './collect.ts';
import { MemoryRecords } from './written-texts.ts';

/** What the worker has written since its current test file began. */
export const records = new MemoryRecords();

/** Where the child processes of the current test file record. */
export const children = { directory: '' };

// Evaluated once per worker, which can run several test files.
collect(records, () => children.directory);
