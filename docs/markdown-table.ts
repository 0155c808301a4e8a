/** A row of the configuration reference. The cells are Markdown. */
export interface SettingRow {
  name: string;
  type: string;
  default: string;
  description: string;
}

/** Creates a Markdown table of settings. @param nameTitle - title of the first column */
export function settingsTable(nameTitle: string, rows: readonly SettingRow[]): string {
  return table(
    [nameTitle, 'Type', 'Default', 'Description'],
    rows.map((row) => [code(row.name), row.type, row.default, row.description]),
  );
}

/** Creates a Markdown table. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return [titles, titles.map(() => '---'), ...rows].map(line).join('\n');
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
