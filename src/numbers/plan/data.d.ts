// Data of config/numbering-plans (`imports` of package.json). They are parsed where they are imported.
declare module '#numbering-plans/CN.json' {
  const data: unknown;
  export default data;
}
declare module '#numbering-plans/emergency.json' {
  const data: unknown;
  export default data;
}
