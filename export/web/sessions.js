// Labelled sessions as CSV files and the manifest that names them, as `edgehar data check` reads them.

function quoted(text) {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function plain(text) {
  return text.trim().replace(/[^\p{L}\p{N}-]+/gu, "-").replace(/^-+|-+$/g, "") || "none";
}

export class Sessions {
  constructor() {
    this.kept = [];
  }

  /** Keeps a session and returns its {name, text}; samples are {t in s, xyz in m/s^2}. */
  add(label, subject, samples) {
    const same = this.kept.filter((one) => plain(one.label) === plain(label) && plain(one.subject) === plain(subject));
    const trial = String(same.length + 1);
    const clip = [label, subject, trial].map(plain).join("_");
    this.kept.push({ clip, label: label.trim(), subject: subject.trim(), trial });
    const begin = samples[0].t;
    const rows = samples.map(({ t, xyz }) => [(t - begin).toFixed(4), ...xyz.map((v) => v.toFixed(4))].join(","));
    return { name: `${clip}.csv`, text: ["t,x,y,z", ...rows, ""].join("\n") };
  }

  manifest() {
    const rows = this.kept.map(({ clip, label, subject, trial }) =>
      [clip, label, subject, trial, "acc", `${clip}.csv`, "", "m/s^2"].map(quoted).join(","),
    );
    return ["clip,label,subject,trial,stream,path,rate_hz,unit", ...rows, ""].join("\n");
  }
}

/** Hands the text to the browser's downloads. */
export function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
