"use strict";

const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

async function ask(path, body) {
  const options = body && {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
  let response;
  try {
    response = await fetch(`api/${path}`, options);
  } catch {
    throw new Error("The server does not answer. Is `xlm demo` still running?");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new Error(answer.message || `The server refused the request (${response.status}).`);
  }
  return answer;
}

// A text of a language, with its direction, so that scripts from right to left are correct.
const written = (name, language, ...children) =>
  element(name, { lang: language.code, dir: language.direction, className: "text" }, ...children);

const row = (content, share) =>
  element(
    "li",
    {},
    content,
    element("meter", { min: 0, max: 1, value: Math.max(share, 0), ariaHidden: "true" }),
    element("span", {}, share.toFixed(3)),
  );

class Section {
  constructor(id, model, answer) {
    this.section = document.getElementById(id);
    this.form = this.section.querySelector("form");
    this.result = this.section.querySelector(".result");
    this.model = model;
    this.section.hidden = false;
    const select = this.form.elements.language;
    for (const language of model.languages) {
      select.append(element("option", { value: language.code }, label(language)));
    }
    select.value = model.languages.some((one) => one.code === "en") ? "en" : select.value;
    select.addEventListener("change", () => this.change());
    this.form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = this.form.querySelector("button");
      button.disabled = true;
      try {
        this.result.replaceChildren(...(await answer(this)));
      } catch (error) {
        this.result.replaceChildren(element("p", { className: "error" }, error.message));
      } finally {
        button.disabled = false;
      }
    });
    for (const field of this.fields) {
      field.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
          event.preventDefault();
          this.form.requestSubmit();
        }
      });
    }
  }

  get language() {
    return this.model.languages.find((one) => one.code === this.form.elements.language.value);
  }

  get fields() {
    return [...this.form.querySelectorAll("textarea")];
  }

  // Give the fields the direction of the language, and examples unless the user wrote something.
  change(examples = this.examples) {
    this.examples = examples;
    const texts = examples(this.model.examples[this.language.code] || [], this.language);
    this.fields.forEach((field, number) => {
      field.lang = this.language.code;
      field.dir = this.language.direction;
      if (!field.value || field.value === field.dataset.example) {
        field.value = field.dataset.example = texts[number] || "";
      }
    });
    this.result.replaceChildren();
  }

  value(name) {
    return this.form.elements[name].value;
  }
}

const label = (language) => `${language.name} (${language.code})`;

async function classify(section) {
  const found = await ask("predict", {
    premise: section.value("premise"),
    hypothesis: section.model.sentences === 1 ? "" : section.value("hypothesis"),
    language: section.language.code,
  });
  const rows = Object.entries(found.probabilities).map(([name, share]) =>
    row(name === found.label ? element("strong", {}, name) : element("span", {}, name), share),
  );
  return [element("ol", {}, ...rows)];
}

async function fill(section) {
  const text = section.value("text");
  const masks = await ask("fill-mask", { text, language: section.language.code });
  const parts = text.split(/<mask>|<special1>/i);
  return masks.flatMap((candidates, number) => [
    ...(masks.length > 1 ? [element("p", {}, `Mask ${number + 1}`)] : []),
    element("ol", {}, ...candidates.map((one) => row(filled(section, parts, number, one), one.probability))),
  ]);
}

// The text with a candidate at one of its masks. `@@`: the word continues after the token.
function filled(section, parts, number, candidate) {
  const continues = candidate.token.endsWith("@@");
  const token = continues ? `${candidate.token.slice(0, -2)}…` : candidate.token;
  const words = parts.flatMap((part, index) => {
    if (index === 0) return [part];
    return [index - 1 === number ? element("mark", {}, token) : "___", part];
  });
  return written("span", section.language, ...words);
}

async function search(section) {
  const found = await ask("nearest", {
    text: section.value("text"),
    language: section.language.code,
    within: section.value("within") || null,
  });
  if (!found.length) return [element("p", {}, "The corpus has no sentences to look in.")];
  const rows = found.map((one) => {
    const language = section.model.languages.find((known) => known.code === one.language);
    const content = element("div", {}, element("small", {}, label(language)), written("span", language, one.text));
    return row(content, one.similarity);
  });
  return [element("ol", {}, ...rows)];
}

// A sentence with a mask in place of its middle word.
function masked(text, language, mask) {
  const segments = [...new Intl.Segmenter(language, { granularity: "word" }).segment(text)];
  const words = segments.filter((one) => one.isWordLike);
  const chosen = words[Math.floor(words.length / 2)];
  return segments.map((one) => (one === chosen ? mask : one.segment)).join("");
}

async function start() {
  const about = document.getElementById("about");
  let model;
  try {
    model = await ask("model");
  } catch (error) {
    about.replaceChildren(element("span", { className: "error" }, error.message));
    return;
  }
  about.textContent = `${model.model}, ${model.languages.length} languages`;
  if (model.labels.length) {
    const section = new Section("predict", model, classify);
    const { premise, hypothesis } = section.form.elements;
    hypothesis.required = model.sentences === 2;
    if (model.sentences === 1) {
      hypothesis.parentElement.remove();
      premise.parentElement.firstChild.data = "Sentence ";
      section.section.querySelector("h2").textContent = "A sentence";
      section.section.querySelector(".question").textContent = "Which label does it have?";
    }
    section.change((texts) => texts);
  }
  if (model.has_mask_head) {
    new Section("fill", model, fill).change((texts, language) =>
      texts.slice(0, 1).map((text) => masked(text, language.code, model.mask)),
    );
  }
  if (model.corpus.sentences) {
    const { sentences, languages } = model.corpus;
    document.getElementById("corpus").textContent =
      `The nearest of ${sentences.toLocaleString("en")} sentences in ${languages.length} languages.`;
    const section = new Section("nearest", model, search);
    const within = section.form.elements.within;
    within.append(element("option", { value: "" }, "all other languages"));
    for (const language of model.languages.filter((one) => languages.includes(one.code))) {
      within.append(element("option", { value: language.code }, label(language)));
    }
    section.change((texts) => [texts[0]]);
  }
}

start();
