// Any bytes as what a client sends: lines and literals through the reader, whole commands through the parser. What is accepted keeps the
// promises of the headers, and what can be written is read back the same.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "grammar/imap/command.h"
#include "grammar/imap/command_reader.h"
#include "grammar/imap/limits.h"
#include "grammar/imap/mailbox_name.h"
#include "grammar/imap/writer.h"

using namespace godwit;
using namespace godwit::imap;

namespace {

struct Tree {
  std::size_t keys = 0;
  std::size_t depth = 0;
};

void measure(const SearchKey& key, std::size_t depth, Tree& tree) {
  ++tree.keys;
  tree.depth = std::max(tree.depth, depth);
  const bool operators =
      key.kind == SearchKey::Kind::conjunction || key.kind == SearchKey::Kind::disjunction || key.kind == SearchKey::Kind::negation;
  GODWIT_CHECK(operators != key.keys.empty());
  if (key.kind == SearchKey::Kind::conjunction) GODWIT_CHECK(key.keys.size() >= 2);
  if (key.kind == SearchKey::Kind::disjunction) GODWIT_CHECK(key.keys.size() == 2);
  if (key.kind == SearchKey::Kind::negation) GODWIT_CHECK(key.keys.size() == 1);
  for (const auto& each : key.keys) measure(each, depth + 1, tree);
}

void check_key(const SearchKey& key) {
  Tree tree;
  measure(key, 0, tree);
  GODWIT_CHECK(tree.keys <= 2 * kMaxSearchKeys && tree.depth <= 2 * kMaxSearchDepth);
}

void check_set(const SequenceSet& set) {
  const auto again = parse_sequence_set(set.text());
  GODWIT_CHECK(again && *again == set);
}

void check_name(const std::string& name, const Dialect& dialect) {
  std::string wire;
  append_mailbox(wire, name, dialect);
  const auto again = parse_command("a DELETE " + wire, dialect);
  GODWIT_CHECK(again && std::get<Delete>(again->request).mailbox == name);
}

struct Checker {
  const Dialect& dialect;

  void operator()(const Fetch& fetch) const {
    check_set(fetch.set);
    GODWIT_CHECK(!fetch.items.empty() && fetch.items.size() <= kMaxFetchItems);
    GODWIT_CHECK(!fetch.vanished || (fetch.uid && fetch.changed_since));
    std::string text = "a FETCH 1 (";
    for (const auto& item : fetch.items) text += (text.ends_with('(') ? "" : " ") + to_string(item, dialect);
    const auto again = parse_command(text + ")", dialect);
    GODWIT_CHECK(again && std::get<Fetch>(again->request).items == fetch.items);
  }
  void operator()(const Store& store) const {
    check_set(store.set);
    std::string text = "a STORE 1 FLAGS ";
    append_flags(text, store.flags);
    const auto again = parse_command(text);
    GODWIT_CHECK(again && std::get<Store>(again->request).flags == store.flags);
  }
  void operator()(const Login& login) const {
    if (login.user.contains('\0') || login.password.contains('\0')) std::abort();
    std::string text = "a LOGIN ";
    append_astring(text, login.user, dialect);
    text += ' ';
    append_string(text, login.password, dialect);
    const auto again = parse_command(text, dialect);
    GODWIT_CHECK(again && std::get<Login>(again->request).user == login.user && std::get<Login>(again->request).password == login.password);
  }
  void operator()(const Copy& copy) const {
    check_set(copy.set);
    check_name(copy.mailbox, dialect);
  }
  void operator()(const Append& append) const {
    check_name(append.mailbox, dialect);
    GODWIT_CHECK(!append.messages.empty() && append.messages.size() <= kMaxAppendMessages);
  }
  void operator()(const Select& select) const { check_name(select.mailbox, dialect); }
  void operator()(const List& list) const { GODWIT_CHECK(!list.patterns.empty() && list.patterns.size() <= kMaxListPatterns); }
  void operator()(const Search& search) const { check_key(search.key); }
  void operator()(const Sort& sort) const { check_key(sort.key); }
  void operator()(const Thread& thread) const { check_key(thread.key); }
  template <class Other>
  void operator()(const Other& /*request*/) const {}
};

void check_command(std::string_view text, const Dialect& dialect) {
  const auto command = parse_command(text, dialect);
  if (!command) {
    GODWIT_CHECK(command.error().position <= text.size() && !command.error().text.empty());
    return;
  }
  GODWIT_CHECK(!command->tag.empty() && command->tag == tag_of(text) && !name_of(command->request).empty());
  std::visit(Checker{dialect}, command->request);
}

// Plays the session: gives lines and literals, and counts what it would have to keep.
void play(std::string_view stream, const Dialect& dialect) {
  using Kind = CommandReader::Step::Kind;
  const CommandReader::Limits limits{.literal = 1'000, .command = 5'000, .message = 2'000, .unasked = 500, .skip = 3'000};
  CommandReader reader(limits);
  reader.set_dialect(dialect);
  std::size_t messages = 0;
  while (!stream.empty()) {
    const std::size_t end = std::min(stream.find("\r\n"), stream.size());
    const auto step = reader.add_line(stream.substr(0, end));
    stream.remove_prefix(std::min(end + 2, stream.size()));
    GODWIT_CHECK(reader.text().size() <= limits.command + 2);
    const std::string_view bytes = stream.substr(0, step.size);
    if (step.kind == Kind::hopeless || bytes.size() < step.size) return;
    stream.remove_prefix(bytes.size());
    if (step.kind == Kind::literal) reader.add_literal(bytes);
    if (step.kind == Kind::message) ++messages;
    if (step.kind != Kind::command && step.kind != Kind::refused) continue;
    if (step.kind == Kind::command) {
      check_command(reader.text(), dialect);
      const auto command = parse_command(reader.text(), dialect);
      const auto* const append = command ? std::get_if<Append>(&command->request) : nullptr;
      if (append != nullptr) GODWIT_CHECK(append->messages.size() == messages);
    }
    reader.reset();
    messages = 0;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Dialect dialect : {Dialect{}, Dialect{.utf8_accept = true}}) {
    check_command(text, dialect);
    play(text, dialect);
  }
  return 0;
}
