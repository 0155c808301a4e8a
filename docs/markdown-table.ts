/** A row of the configuration reference. The cells are Markdown. */
export interface SettingRow {
  name: string;
  type: string;
  default: string;
  description: string;
}

/** Creates a Markdown table of settings. @param nameTitle - title of the first column */
export function settingsTable(nameTitle: string, rows: readonly SettingRow[]): string {
  const lines = rows.map((row) => line([code(row.name), row.type, row.default, row.description]));
  return [line([nameTitle, 'Type', 'Default', 'Description']), '| --- | --- | --- | --- |', ...lines].join(
    '\n',
  );
}

/** Formats text as inline code. */
export function code(text: string): string {
  const fence = text.includes('`') ? '``' : '`';
  return `${fence}${text}${fence}`;
}

/** A pipe character ends a cell even in inline code, so it is escaped. */
function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replace(/\s+/g, ' ')).join(' | ')} |`;
}
