#include "grammar/dsn/texts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "grammar/dsn/language.h"
#include "grammar/dsn/original.h"

namespace godwit::dsn {

#define GODWIT_SHIPPED(kind) extern const std::string_view kText_##kind##_en, kText_##kind##_de;  // share/dsn
GODWIT_SHIPPED(failed)
GODWIT_SHIPPED(delayed)
GODWIT_SHIPPED(delivered)
GODWIT_SHIPPED(relayed)
GODWIT_SHIPPED(expanded)
GODWIT_SHIPPED(frame)
GODWIT_SHIPPED(status)
#undef GODWIT_SHIPPED

namespace {

constexpr Action kActions[] = {Action::failed, Action::delayed, Action::delivered, Action::relayed, Action::expanded};

const Vocabulary& section_words() {
  static const Vocabulary words{{"Subject", "Subject of several"},
                                {"message", "host", "subject", "date", "count", "all", "one", "several", "because", "address", "reason"},
                                {"what", "advice", "own", "server", "said", "status", "until"}};
  return words;
}

const Vocabulary& frame_words() {
  static const Vocabulary words{{"Message", "Message for the postmaster", "Subject for the postmaster"},
                                {"host", "because", "subject", "date", "reports", "more"},
                                {}};
  return words;
}

std::optional<Action> action_named(std::string_view name) {
  for (const Action action : kActions)
    if (to_string(action) == name) return action;
  return std::nullopt;
}

template <class T>
std::optional<TemplateProblem> keep(std::expected<T, TemplateProblem> parsed, std::optional<T>& into) {
  if (!parsed) return std::move(parsed).error();
  into = *std::move(parsed);
  return std::nullopt;
}

}  // namespace

Texts::Texts() {
  const std::pair<std::string_view, std::string_view> files[] = {
      {"failed.en.txt", kText_failed_en},     {"failed.de.txt", kText_failed_de},       {"delayed.en.txt", kText_delayed_en},
      {"delayed.de.txt", kText_delayed_de},   {"delivered.en.txt", kText_delivered_en}, {"delivered.de.txt", kText_delivered_de},
      {"relayed.en.txt", kText_relayed_en},   {"relayed.de.txt", kText_relayed_de},     {"expanded.en.txt", kText_expanded_en},
      {"expanded.de.txt", kText_expanded_de}, {"frame.en.txt", kText_frame_en},         {"frame.de.txt", kText_frame_de},
      {"status.en.txt", kText_status_en},     {"status.de.txt", kText_status_de},
  };
  for (const auto& [file, text] : files) GODWIT_CHECK(!add(file, text));
}

const Texts& Texts::shipped() {
  static const Texts texts;
  return texts;
}

std::optional<TemplateProblem> Texts::add(std::string_view file, std::string_view text) {
  const std::size_t dot = file.find('.');
  const std::string_view kind = file.substr(0, dot);
  const std::string_view rest = dot == std::string_view::npos ? std::string_view() : file.substr(dot + 1);
  const std::string tag = rest.ends_with(".txt") ? language_tag(rest.substr(0, rest.size() - 4)) : std::string();
  const auto action = action_named(kind);
  if (tag.empty() || (!action && kind != "frame" && kind != "status"))
    return TemplateProblem{0,
                           "is not the name of a text; there are failed, delayed, delivered, relayed, expanded, frame and status, with a "
                           "language: \"failed.de.txt\""};
  Language language = std::exchange(languages_[tag], {});
  std::optional<TemplateProblem> problem;
  if (action)
    problem = keep(Template::parse(text, section_words()), language.sections[static_cast<std::size_t>(*action)]);
  else if (kind == "frame")
    problem = keep(Template::parse(text, frame_words()), language.frame);
  else
    problem = keep(Explanations::parse(text), language.status);
  languages_[tag] = std::move(language);
  return problem;
}

std::optional<std::string> Texts::set_language(std::string_view language) {
  const std::string tag = lookup_language(language_tag(language), languages());
  if (tag.empty()) return fmt::format("\"{}\" is no language of reports here; there are: {}", language, fmt::join(languages(), ", "));
  general_ = tag;
  return std::nullopt;
}

std::optional<std::string> Texts::set_language(std::string tenant, std::string_view language) {
  const std::string tag = lookup_language(language_tag(language), languages());
  if (tag.empty()) return fmt::format("\"{}\" is no language of reports here; there are: {}", language, fmt::join(languages(), ", "));
  of_tenant_[std::move(tenant)] = tag;
  return std::nullopt;
}

std::optional<std::string> Texts::missing() const {
  for (const auto& [tag, language] : languages_) {
    std::vector<std::string> files;
    for (const Action action : kActions)
      if (!language.sections[static_cast<std::size_t>(action)]) files.push_back(fmt::format("{}.{}.txt", to_string(action), tag));
    if (!language.frame) files.push_back(fmt::format("frame.{}.txt", tag));
    if (!language.status) files.push_back(fmt::format("status.{}.txt", tag));
    if (!files.empty()) return fmt::format("the language \"{}\" is not complete; write also: {}", tag, fmt::join(files, ", "));
  }
  return std::nullopt;
}

std::vector<std::string> Texts::languages() const {
  std::vector<std::string> tags;
  for (const auto& [tag, language] : languages_) tags.push_back(tag);
  return tags;
}

std::string Texts::choose(std::string_view headers, std::string_view tenant) const {
  const std::vector<std::string> known = languages();
  std::vector<std::string> wanted = accepted_languages(field_value(headers, "Accept-Language"));
  std::ranges::move(content_languages(field_value(headers, "Content-Language")), std::back_inserter(wanted));
  for (const std::string& one : wanted)
    if (std::string tag = lookup_language(one, known); !tag.empty()) return tag;
  const auto of_tenant = of_tenant_.find(std::string(tenant));
  return of_tenant == of_tenant_.end() ? general_ : of_tenant->second;
}

const Texts::Language& Texts::find(const std::string& language) const {
  const auto found = languages_.find(language);
  GODWIT_CHECK(found != languages_.end());
  return found->second;
}

const Template& Texts::section(const std::string& language, Action action) const {
  return *find(language).sections[static_cast<std::size_t>(action)];
}
const Template& Texts::frame(const std::string& language) const { return *find(language).frame; }
const Explanations& Texts::explanations(const std::string& language) const { return *find(language).status; }

}  // namespace godwit::dsn
