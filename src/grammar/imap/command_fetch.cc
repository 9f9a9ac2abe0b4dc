#include <algorithm>
#include <array>
#include <initializer_list>

#include "grammar/imap/limits.h"
#include "grammar/imap/parsers.h"

namespace godwit::imap {
namespace {

using Kind = FetchItem::Kind;

struct Name {
  std::string_view text;
  Kind kind;
};
constexpr std::array kPlainItems = std::to_array<Name>({{"ENVELOPE", Kind::envelope},
                                                        {"FLAGS", Kind::flags},
                                                        {"INTERNALDATE", Kind::internal_date},
                                                        {"RFC822", Kind::rfc822},
                                                        {"RFC822.HEADER", Kind::rfc822_header},
                                                        {"RFC822.TEXT", Kind::rfc822_text},
                                                        {"RFC822.SIZE", Kind::rfc822_size},
                                                        {"BODYSTRUCTURE", Kind::body_structure},
                                                        {"UID", Kind::uid},
                                                        {"MODSEQ", Kind::modseq},
                                                        {"EMAILID", Kind::email_id},
                                                        {"THREADID", Kind::thread_id},
                                                        {"SAVEDATE", Kind::save_date}});

struct SectionText {
  std::string_view name;
  Section::Text text;
};
constexpr std::array kSectionTexts = std::to_array<SectionText>({{"HEADER", Section::Text::header},
                                                                 {"HEADER.FIELDS", Section::Text::header_fields},
                                                                 {"HEADER.FIELDS.NOT", Section::Text::header_fields_not},
                                                                 {"TEXT", Section::Text::text},
                                                                 {"MIME", Section::Text::mime}});

// "1.2.3"; `ends_open`: a "." follows that is no part of it ("1.2.MIME").
Result<std::vector<std::uint32_t>> parse_part(Cursor& cursor, bool& ends_open) {
  std::vector<std::uint32_t> part;
  ends_open = false;
  do {
    ends_open = !part.empty() && (cursor.peek() < '0' || cursor.peek() > '9');
    if (ends_open) return part;
    if (part.size() == kMaxPartDepth) return fail(cursor.too_many("the part lies too deep"));
    GODWIT_ASSIGN(const std::uint32_t number, cursor.nz_number());
    part.push_back(number);
  } while (cursor.eat('.'));
  return part;
}

Result<std::vector<std::string>> parse_header_list(Cursor& cursor) {
  std::vector<std::string> fields;
  GODWIT_TRY(cursor.space());
  GODWIT_TRY(cursor.expect('('));
  do {
    if (fields.size() == kMaxHeaderFields) return fail(cursor.too_many("too many header fields"));
    GODWIT_ASSIGN(std::string field, cursor.astring());
    fields.push_back(std::move(field));
  } while (cursor.eat(' '));
  GODWIT_TRY(cursor.expect(')'));
  return fields;
}

Result<> parse_section_text(Cursor& cursor, Section& section) {
  const auto found = std::ranges::find(kSectionTexts, cursor.peek_word(), &SectionText::name);
  if (found == kSectionTexts.end()) return fail(cursor.wrong("there is no such section"));
  if (found->text == Section::Text::mime && section.part.empty()) return fail(cursor.wrong("MIME needs the number of a part"));
  cursor.word();
  section.text = found->text;
  if (section.text != Section::Text::header_fields && section.text != Section::Text::header_fields_not) return {};
  GODWIT_ASSIGN(section.fields, parse_header_list(cursor));
  return {};
}

Result<Section> parse_section(Cursor& cursor) {
  Section section;
  GODWIT_TRY(cursor.expect('['));
  if (cursor.eat(']')) return section;
  bool text_follows = true;
  if (cursor.peek() >= '0' && cursor.peek() <= '9') {
    GODWIT_ASSIGN(section.part, parse_part(cursor, text_follows));
  }
  if (text_follows) {
    GODWIT_TRY(parse_section_text(cursor, section));
  }
  GODWIT_TRY(cursor.expect(']'));
  return section;
}

Result<Section> parse_binary_section(Cursor& cursor) {
  Section section;
  GODWIT_TRY(cursor.expect('['));
  if (cursor.eat(']')) return section;
  bool text_follows = false;
  GODWIT_ASSIGN(section.part, parse_part(cursor, text_follows));
  if (text_follows) return fail(cursor.wrong("BINARY knows parts alone"));
  GODWIT_TRY(cursor.expect(']'));
  return section;
}

Result<std::optional<Partial>> parse_partial(Cursor& cursor) {
  if (!cursor.eat('<')) return std::optional<Partial>();
  Partial partial;
  GODWIT_ASSIGN(partial.offset, cursor.number64());
  GODWIT_TRY(cursor.expect('.'));
  GODWIT_ASSIGN(partial.count, cursor.nz_number64());
  GODWIT_TRY(cursor.expect('>'));
  return std::optional(partial);
}

// RFC 8970 6: [SP "(" preview-mod *(SP preview-mod) ")"]. Outside of a list, "(" may also begin the modifiers of the FETCH.
Result<FetchItem> parse_preview(Cursor& cursor) {
  FetchItem item;
  item.kind = Kind::preview;
  const std::size_t behind = cursor.position();
  if (!cursor.eat(' ') || !cursor.eat('(')) {
    cursor.go_to(behind);
    return item;
  }
  const std::string modifier = cursor.word();
  if (modifier == "CHANGEDSINCE" || modifier == "VANISHED") {
    cursor.go_to(behind);
    return item;
  }
  if (modifier != "LAZY") return fail(cursor.unknown("PREVIEW has no such modifier"));
  item.lazy = true;
  GODWIT_TRY(cursor.expect(')'));
  return item;
}

Result<FetchItem> parse_body(Cursor& cursor, bool peek) {
  FetchItem item;
  item.peek = peek;
  item.kind = Kind::body_basic;
  if (!peek && cursor.peek() != '[') return item;
  item.kind = Kind::body;
  GODWIT_ASSIGN(item.section, parse_section(cursor));
  GODWIT_ASSIGN(item.partial, parse_partial(cursor));
  return item;
}

Result<FetchItem> parse_binary(Cursor& cursor, Kind kind, bool peek) {
  FetchItem item;
  item.kind = kind;
  item.peek = peek;
  GODWIT_ASSIGN(item.section, parse_binary_section(cursor));
  if (kind == Kind::binary_size) return item;
  GODWIT_ASSIGN(item.partial, parse_partial(cursor));
  return item;
}

Result<FetchItem> parse_item(Cursor& cursor) {
  const std::size_t begin = cursor.position();
  const std::string name = cursor.word();
  if (name == "BODY" || name == "BODY.PEEK") return parse_body(cursor, name != "BODY");
  if (name == "BINARY" || name == "BINARY.PEEK") return parse_binary(cursor, Kind::binary, name != "BINARY");
  if (name == "BINARY.SIZE") return parse_binary(cursor, Kind::binary_size, false);
  if (name == "PREVIEW") return parse_preview(cursor);
  const auto found = std::ranges::find(kPlainItems, name, &Name::text);
  if (found == kPlainItems.end()) {
    cursor.go_to(begin);
    return fail(cursor.unknown("FETCH has no such item"));
  }
  FetchItem item;
  item.kind = found->kind;
  return item;
}

// RFC 9051 6.4.5: macros stand alone.
std::vector<FetchItem> macro(const std::string& name) {
  std::vector<FetchItem> items;
  const auto put = [&](std::initializer_list<Kind> kinds) {
    for (const Kind kind : kinds) items.emplace_back().kind = kind;
  };
  if (name == "ALL" || name == "FULL" || name == "FAST") put({Kind::flags, Kind::internal_date, Kind::rfc822_size});
  if (name == "ALL" || name == "FULL") put({Kind::envelope});
  if (name == "FULL") put({Kind::body_basic});
  return items;
}

Result<std::vector<FetchItem>> parse_items(Cursor& cursor) {
  std::vector<FetchItem> items = macro(cursor.peek_word());
  if (!items.empty()) {
    cursor.word();
    return items;
  }
  const bool several = cursor.eat('(');
  do {
    if (items.size() == kMaxFetchItems) return fail(cursor.too_many("too many items"));
    GODWIT_ASSIGN(FetchItem item, parse_item(cursor));
    items.push_back(std::move(item));
  } while (several && cursor.eat(' '));
  if (several) {
    GODWIT_TRY(cursor.expect(')'));
  }
  return items;
}

// RFC 7162 7: "(CHANGEDSINCE 5 VANISHED)", in any order
Result<> parse_modifiers(Cursor& cursor, Fetch& request) {
  GODWIT_TRY(cursor.space());
  GODWIT_TRY(cursor.expect('('));
  do {
    const std::string name = cursor.peek_word();
    if (name == "CHANGEDSINCE" && !request.changed_since) {
      cursor.word();
      GODWIT_TRY(cursor.space());
      // RFC 7162 7 DEVIATES: modseqs begin at 1. Thunderbird asks with 0 where it knows nothing yet, and shows the BAD to its user.
      GODWIT_ASSIGN(request.changed_since, cursor.number64());
    } else if (name == "VANISHED" && !request.vanished) {
      cursor.word();
      request.vanished = true;
    } else {
      return fail(cursor.unknown("FETCH has no such modifier"));
    }
  } while (cursor.eat(' '));
  GODWIT_TRY(cursor.expect(')'));
  if (request.vanished && !(request.uid && request.changed_since)) return fail(cursor.wrong("VANISHED needs UID FETCH and CHANGEDSINCE"));
  return {};
}

}  // namespace

Result<Request> parse_fetch(Cursor& cursor, bool uid) {
  Fetch request;
  request.uid = uid;
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(request.set, cursor.sequence_set());
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(request.items, parse_items(cursor));
  if (cursor.at_end()) return request;
  GODWIT_TRY(parse_modifiers(cursor, request));
  return request;
}

}  // namespace godwit::imap
