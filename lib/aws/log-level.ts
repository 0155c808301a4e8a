/** Log levels, from the least to the most verbose. */
export const LOG_LEVELS = ['SILENT', 'ERROR', 'WARN', 'INFO', 'DEBUG'] as const;
/** Log level. */
export type LogLevel = (typeof LOG_LEVELS)[number];
