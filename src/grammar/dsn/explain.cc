#include "grammar/dsn/explain.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/utf8.h"
#include "grammar/dsn/texts.h"

namespace godwit::dsn {
namespace {

constexpr std::size_t kMaxEntries = 1'000;

bool mentions(std::string_view words, std::string_view what) { return ascii_lower(words).find(what) != std::string::npos; }

// "1.10" or "1."
bool is_code(std::string_view text) {
  const std::size_t dot = text.find('.');
  const auto digits = [](std::string_view part) {
    return part.size() <= 3 && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
  };
  return dot != std::string_view::npos && dot > 0 && digits(text.substr(0, dot)) && digits(text.substr(dot + 1));
}

}  // namespace

std::expected<Explanations::Entry, std::string> Explanations::read_line(std::string_view line) {
  if (line.size() > Template::kMaxLine) return std::unexpected("is too long");
  if (!is_utf8(line) || std::ranges::any_of(line, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }))
    return std::unexpected("is not UTF-8, or has a control character");
  std::array<std::string_view, 4> columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::size_t bar = line.find('|');
    if ((bar == std::string_view::npos) != (i + 1 == columns.size()))
      return std::unexpected("a line has four columns: status | reason | what happened | what to do");
    columns[i] = trim(line.substr(0, bar));
    line.remove_prefix(bar == std::string_view::npos ? line.size() : bar + 1);
  }
  const auto& [code, reason, what, advice] = columns;
  if (!is_code(code) && code != "relay" && code != "greylist" && code != "other")
    return std::unexpected("begins with subject and detail (\"1.1\"), a subject (\"1.\"), relay, greylist or other");
  if (reason.empty() || what.empty()) return std::unexpected("says neither why nor what happened");
  return Entry{std::string(code), {std::string(reason), std::string(what), std::string(advice)}};
}

std::expected<Explanations, TemplateProblem> Explanations::parse(std::string_view text) {
  if (text.size() > Template::kMaxFile) return std::unexpected(TemplateProblem{0, "is too large"});
  Explanations out;
  unsigned number = 0;
  while (!text.empty() && out.entries_.size() < kMaxEntries) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (trim(line).empty() || line.starts_with('#')) continue;
    auto entry = read_line(line);
    if (!entry) return std::unexpected(TemplateProblem{number, std::move(entry).error()});
    if (out.named(entry->code) != nullptr) return std::unexpected(TemplateProblem{number, entry->code + " is there twice"});
    out.entries_.push_back(*std::move(entry));
  }
  if (out.named("other") == nullptr) return std::unexpected(TemplateProblem{0, "has no line \"other | ... | ... | ...\""});
  return out;
}

const Explanation* Explanations::named(std::string_view code) const {
  const auto found = std::ranges::find(entries_, code, &Entry::code);
  return found == entries_.end() ? nullptr : &found->explanation;
}

const Explanation& Explanations::find(std::string_view status, std::string_view words) const {
  const std::size_t dot = status.find('.');
  const std::string_view code = dot == std::string_view::npos ? std::string_view() : status.substr(dot + 1);
  const std::string_view subject = code.substr(0, std::min(code.size(), code.find('.') + 1));
  const Explanation* found = nullptr;
  if (code.starts_with("7.") && mentions(words, "relay")) found = named("relay");
  if (found == nullptr && status.starts_with("4.") && mentions(words, "greylist")) found = named("greylist");
  if (found == nullptr && is_code(code)) found = named(code);
  if (found == nullptr && is_code(subject)) found = named(subject);
  return found != nullptr ? *found : *named("other");
}

const Explanation& explain(std::string_view status, std::string_view words) {
  return Texts::shipped().explanations("en").find(status, words);
}

}  // namespace godwit::dsn
