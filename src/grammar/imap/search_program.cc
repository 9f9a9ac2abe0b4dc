#include <algorithm>
#include <array>

#include "grammar/imap/limits.h"
#include "grammar/imap/parsers.h"

namespace godwit::imap {
namespace {

using Kind = SearchKey::Kind;

enum class Argument : std::uint8_t { none, text, header, keyword, object_id, date, size, interval, modseq, uids, two_keys, one_key };

struct Name {
  std::string_view text;
  Kind kind;
  Argument argument = Argument::none;
};

constexpr std::array kNames = std::to_array<Name>({
    {"ALL", Kind::all},
    {"ANSWERED", Kind::answered},
    {"BCC", Kind::bcc, Argument::text},
    {"BEFORE", Kind::before, Argument::date},
    {"BODY", Kind::body, Argument::text},
    {"CC", Kind::cc, Argument::text},
    {"DELETED", Kind::deleted},
    {"DRAFT", Kind::draft},
    {"EMAILID", Kind::email_id, Argument::object_id},
    {"FLAGGED", Kind::flagged},
    {"FROM", Kind::from, Argument::text},
    {"HEADER", Kind::header, Argument::header},
    {"KEYWORD", Kind::keyword, Argument::keyword},
    {"LARGER", Kind::larger, Argument::size},
    {"MODSEQ", Kind::modseq, Argument::modseq},
    {"NEW", Kind::fresh},
    {"NOT", Kind::negation, Argument::one_key},
    {"OLD", Kind::old},
    {"OLDER", Kind::older, Argument::interval},
    {"ON", Kind::on, Argument::date},
    {"OR", Kind::disjunction, Argument::two_keys},
    {"RECENT", Kind::recent},
    {"SAVEDBEFORE", Kind::saved_before, Argument::date},
    {"SAVEDATESUPPORTED", Kind::save_date_supported},
    {"SAVEDON", Kind::saved_on, Argument::date},
    {"SAVEDSINCE", Kind::saved_since, Argument::date},
    {"SEEN", Kind::seen},
    {"SENTBEFORE", Kind::sent_before, Argument::date},
    {"SENTON", Kind::sent_on, Argument::date},
    {"SENTSINCE", Kind::sent_since, Argument::date},
    {"SINCE", Kind::since, Argument::date},
    {"SMALLER", Kind::smaller, Argument::size},
    {"SUBJECT", Kind::subject, Argument::text},
    {"TEXT", Kind::text, Argument::text},
    {"THREADID", Kind::thread_id, Argument::object_id},
    {"TO", Kind::to, Argument::text},
    {"UID", Kind::uid, Argument::uids},
    {"UNANSWERED", Kind::unanswered},
    {"UNDELETED", Kind::undeleted},
    {"UNDRAFT", Kind::undraft},
    {"UNFLAGGED", Kind::unflagged},
    {"UNKEYWORD", Kind::unkeyword, Argument::keyword},
    {"UNSEEN", Kind::unseen},
    {"YOUNGER", Kind::younger, Argument::interval},
});

bool begins_set(char c) { return (c >= '0' && c <= '9') || c == '*' || c == '$'; }

// RFC 8474 7: objectid
bool is_object_id_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

Result<Date> parse_search_date(Cursor& cursor) {
  const std::size_t begin = cursor.position();
  const bool quoted = cursor.peek() == '"';
  std::string text;
  if (quoted) {
    GODWIT_ASSIGN(text, cursor.string());
  } else {
    GODWIT_ASSIGN(text, cursor.atom());
  }
  auto date = parse_date(text);
  if (!date) date.error().position += begin + (quoted ? 1 : 0);
  return date;
}

Result<std::string> parse_object_id(Cursor& cursor) {
  GODWIT_ASSIGN(const std::string_view id, cursor.atom());
  if (!std::ranges::all_of(id, is_object_id_char)) return fail(cursor.wrong("an object id is letters, digits, _ and -"));
  return std::string(id);
}

// RFC 7162 7: [SP entry-name SP entry-type-req] SP mod-sequence-valzer
Result<> parse_modseq(Cursor& cursor, SearchKey& key) {
  if (cursor.peek() == '"') {
    GODWIT_ASSIGN(key.field, cursor.string());
    if (!key.field.starts_with("/flags/")) return fail(cursor.wrong("an entry is called /flags/ and the flag"));
    GODWIT_TRY(cursor.space());
    const std::string type = cursor.word();
    if (type != "ALL" && type != "PRIV" && type != "SHARED") return fail(cursor.wrong("priv, shared or all is expected"));
    key.entry = type == "ALL" ? EntryType::all : type == "PRIV" ? EntryType::priv : EntryType::shared;
    GODWIT_TRY(cursor.space());
  }
  GODWIT_ASSIGN(key.number, cursor.number64());
  return {};
}

class Program {
 public:
  explicit Program(Cursor& cursor) : cursor_(cursor) {}

  // One or more keys; the space in front of each further one is taken.
  Result<SearchKey> several() {
    GODWIT_ASSIGN(SearchKey first, one());
    if (cursor_.peek() != ' ') return first;
    SearchKey all;
    all.kind = Kind::conjunction;
    all.keys.push_back(std::move(first));
    while (cursor_.eat(' ')) {
      GODWIT_ASSIGN(SearchKey next, one());
      all.keys.push_back(std::move(next));
    }
    return all;
  }

 private:
  Result<SearchKey> one() {
    if (++count_ > kMaxSearchKeys) return fail(cursor_.too_many("too many search keys"));
    if (depth_ == kMaxSearchDepth) return fail(cursor_.too_many("search keys are nested too deep"));
    if (begins_set(cursor_.peek())) return set(Kind::sequence);
    ++depth_;
    auto key = cursor_.peek() == '(' ? parenthesised() : named();
    --depth_;
    return key;
  }

  Result<SearchKey> set(Kind kind) {
    SearchKey key;
    key.kind = kind;
    GODWIT_ASSIGN(key.set, cursor_.sequence_set());
    return key;
  }

  Result<SearchKey> parenthesised() {
    GODWIT_TRY(cursor_.expect('('));
    GODWIT_ASSIGN(SearchKey key, several());
    GODWIT_TRY(cursor_.expect(')'));
    return key;
  }

  Result<SearchKey> named() {
    const auto found = std::ranges::find(kNames, cursor_.peek_word(), &Name::text);
    if (found == kNames.end()) return fail(cursor_.unknown("there is no such search key"));
    cursor_.word();
    SearchKey key;
    key.kind = found->kind;
    if (found->argument == Argument::none) return key;
    GODWIT_TRY(cursor_.space());
    if (found->argument == Argument::uids) return set(Kind::uid);
    if (found->argument == Argument::one_key || found->argument == Argument::two_keys) {
      GODWIT_TRY(operands(key, found->argument == Argument::one_key ? 1 : 2));
    } else {
      GODWIT_TRY(argument(key, found->argument));
    }
    return key;
  }

  Result<> operands(SearchKey& key, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) GODWIT_TRY(cursor_.space());
      GODWIT_ASSIGN(SearchKey operand, one());
      key.keys.push_back(std::move(operand));
    }
    return {};
  }

  Result<> argument(SearchKey& key, Argument argument) {
    switch (argument) {
      case Argument::header: {
        GODWIT_ASSIGN(key.field, cursor_.astring());
        GODWIT_TRY(cursor_.space());
        GODWIT_ASSIGN(key.text, cursor_.astring());
        return {};
      }
      case Argument::text: return into(key.text, cursor_.astring());
      case Argument::keyword: return into(key.text, cursor_.atom());
      case Argument::object_id: return into(key.text, parse_object_id(cursor_));
      case Argument::date: return into(key.date, parse_search_date(cursor_));
      case Argument::size: return into(key.number, cursor_.number64());
      case Argument::interval: return into(key.number, cursor_.nz_number());  // RFC 5032 3
      default: return parse_modseq(cursor_, key);
    }
  }

  template <class Target, class Value>
  static Result<> into(Target& target, Result<Value> value) {
    if (!value) return fail(std::move(value.error()));
    target = *std::move(value);
    return {};
  }

  Cursor& cursor_;
  std::size_t count_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace

Result<SearchKey> parse_search_keys(Cursor& cursor) {
  GODWIT_TRY(cursor.space());
  return Program(cursor).several();
}

}  // namespace godwit::imap
