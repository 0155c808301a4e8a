import { collect } from './collect.ts';
import { DIRECTORY_VARIABLE, FileRecords } from './written-texts.ts';

const FLUSH_INTERVAL_MS = 100;

// Loaded with --import into every Node.js process that a test starts.
const directory = process.env[DIRECTORY_VARIABLE];
if (directory !== undefined) {
  const records = new FileRecords(directory);
  collect(records, () => directory);
  setInterval(() => records.flush(), FLUSH_INTERVAL_MS).unref();
  process.on('exit', () => records.flush());
}
