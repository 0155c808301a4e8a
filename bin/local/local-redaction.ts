import { SERIAL_FIELD } from 'switchboard-local/simulator/frame.ts';
import { ContentRedaction } from '../../lib/events/content-redaction.ts';
import { type ContentRedactionConfig, contentRedactionSetting } from '../../lib/events/content-rules.ts';

/** The key for hashes on this machine. It is the same in every run. */
const LOCAL_KEY = 'the key of hashes on this machine';

/**
 * Variables with which a deployable redacts content. The serial numbers of simulated events are kept, so that the
 * result of a run can be checked.
 *
 * @param setting - a valid value of the variable `REDACTION`
 */
export function redactionVariables(setting: string | undefined): Record<string, string> {
  if (setting === undefined) return {};
  const { keep = [], ...options } = contentRedactionSetting.parse(setting);
  return {
    REDACTION: JSON.stringify({ ...options, keep: [...keep, SERIAL_FIELD] }),
    REDACTION_KEY: LOCAL_KEY,
  };
}

/** The redaction that these variables configure. */
export function localRedaction(config: ContentRedactionConfig | undefined): ContentRedaction | undefined {
  return config && new ContentRedaction(config, LOCAL_KEY);
}
