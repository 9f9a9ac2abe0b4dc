#include "grammar/pop3/command.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/bytes.h"
#include "grammar/pop3/language.h"

namespace godwit::pop3 {
namespace {

constexpr std::size_t kMaxMechanism = 20;  // RFC 4422 3.1

// What is left of a line, and where it stands in it.
struct Arguments {
  std::string_view text;
  std::size_t position = 0;
};

using Parser = Result<Command> (*)(Command command, Arguments arguments);

struct Keyword {
  std::string_view name;
  Verb verb;
  Parser parse;
};

Error wrong(std::string rule, const Arguments& at) { return Error::syntax(std::move(rule), at.position); }

Arguments without_trailing_blanks(Arguments arguments) {
  while (arguments.text.ends_with(' ')) arguments.text.remove_suffix(1);
  return arguments;
}

// Cuts the word up to the next blank off.
Arguments take_word(Arguments& arguments) {
  const std::size_t end = std::min(arguments.text.find(' '), arguments.text.size());
  const Arguments word{arguments.text.substr(0, end), arguments.position};
  const std::size_t cut = std::min(end + 1, arguments.text.size());
  arguments.text.remove_prefix(cut);
  arguments.position += cut;
  return word;
}

Result<std::uint32_t> parse_number(const Arguments& word) {
  std::uint32_t number = 0;
  const char* const end = word.text.data() + word.text.size();
  const auto [stop, error] = std::from_chars(word.text.data(), end, number);
  if (word.text.empty() || error != std::errc() || stop != end) return fail(wrong("a number is expected", word));
  return number;
}

Result<std::uint32_t> parse_message(const Arguments& word) {
  GODWIT_ASSIGN(const std::uint32_t number, parse_number(word));
  if (number == 0) return fail(wrong("messages are numbered from 1", word));
  return number;
}

Result<Command> parse_nothing(Command command, Arguments arguments) {
  if (!without_trailing_blanks(arguments).text.empty()) return fail(wrong("no argument is expected", arguments));
  return command;
}

Result<Command> parse_text(Command command, Arguments arguments) {
  if (arguments.text.empty()) return fail(wrong("an argument is expected", arguments));
  command.text = arguments.text;
  return command;
}

Result<Command> parse_one_message(Command command, Arguments arguments) {
  GODWIT_ASSIGN(command.message, parse_message(without_trailing_blanks(arguments)));
  return command;
}

Result<Command> parse_maybe_message(Command command, Arguments arguments) {
  if (without_trailing_blanks(arguments).text.empty()) return command;
  return parse_one_message(std::move(command), arguments);
}

Result<Command> parse_top(Command command, Arguments arguments) {
  Arguments rest = without_trailing_blanks(arguments);
  GODWIT_ASSIGN(command.message, parse_message(take_word(rest)));
  GODWIT_ASSIGN(command.lines, parse_number(rest));
  return command;
}

bool is_mechanism_char(char c) {  // RFC 4422 3.1: mech-char
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

Result<Command> parse_auth(Command command, Arguments arguments) {
  Arguments rest = without_trailing_blanks(arguments);
  const Arguments mechanism = take_word(rest);
  command.text = mechanism.text;
  std::ranges::transform(command.text, command.text.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  if (command.text.size() > kMaxMechanism || !std::ranges::all_of(command.text, is_mechanism_char))
    return fail(wrong("a mechanism is letters, digits, - and _", mechanism));
  if (rest.text.empty()) return command;
  if (rest.text.contains(' ')) return fail(wrong("the initial response is one word of base64", rest));
  command.initial_response = rest.text == "=" ? std::string() : std::string(rest.text);
  return command;
}

// RFC 6856 3.2
Result<Command> parse_lang(Command command, Arguments arguments) {
  const Arguments range = without_trailing_blanks(arguments);
  command.text = range.text;
  if (!range.text.empty() && !is_language_range(range.text)) return fail(wrong("a language is a tag such as en, or *", range));
  return command;
}

constexpr std::array<Keyword, kVerbs> kKeywords = {{
    {"USER", Verb::user, parse_text},
    {"PASS", Verb::pass, parse_text},
    {"AUTH", Verb::auth, parse_auth},
    {"STLS", Verb::stls, parse_nothing},
    {"CAPA", Verb::capa, parse_nothing},
    {"UTF8", Verb::utf8, parse_nothing},
    {"LANG", Verb::lang, parse_lang},
    {"STAT", Verb::stat, parse_nothing},
    {"LIST", Verb::list, parse_maybe_message},
    {"RETR", Verb::retr, parse_one_message},
    {"TOP", Verb::top, parse_top},
    {"DELE", Verb::dele, parse_one_message},
    {"UIDL", Verb::uidl, parse_maybe_message},
    {"RSET", Verb::rset, parse_nothing},
    {"NOOP", Verb::noop, parse_nothing},
    {"QUIT", Verb::quit, parse_nothing},
}};

}  // namespace

std::string_view to_string(Verb verb) { return kKeywords.at(static_cast<std::size_t>(verb)).name; }

Result<Command> parse_command(std::string_view line) {
  if (const std::size_t at = line.find('\0'); at != std::string_view::npos) return fail(Error::syntax("a command holds no NUL", at));
  Arguments rest{line, 0};
  const Arguments word = take_word(rest);
  const auto keyword = std::ranges::find_if(kKeywords, [&](const Keyword& each) { return ascii_iequals(each.name, word.text); });
  if (keyword == kKeywords.end()) return fail(Error::permanent(Error::Cause::unsupported, "unknown command"));
  Command command;
  command.verb = keyword->verb;
  return keyword->parse(std::move(command), rest);
}

}  // namespace godwit::pop3
