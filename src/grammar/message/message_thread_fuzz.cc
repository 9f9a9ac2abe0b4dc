// Threading: every number comes out once, dummies only at the top and with several below, siblings in order; it ends.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "grammar/message/threading.h"

using namespace godwit;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// Of each message: a byte for its id, one for its subject and date, one for how many references, and these.
std::vector<message::ThreadMessage> make_messages(const std::uint8_t* data, std::size_t size) {
  std::vector<message::ThreadMessage> out;
  std::size_t at = 0;
  const auto next = [&] { return at < size ? data[at++] : std::uint8_t{0}; };
  const auto id = [](unsigned byte) { return byte % 16 == 0 ? std::string() : std::string(1, static_cast<char>('a' + byte % 16)); };
  while (at < size) {
    message::ThreadMessage each;
    each.number = static_cast<std::uint32_t>(out.size() + 1);
    each.message_id = id(next());
    const unsigned about = next();
    each.subject =
        std::string((about & 8) != 0 ? "Re: " : "") + std::string((about & 3) != 0 ? 1 : 0, static_cast<char>('x' + (about & 3)));
    each.sent = std::chrono::sys_seconds(std::chrono::seconds(about >> 4));
    for (unsigned left = next() % 6; left > 0; --left) {
      auto reference = id(next());
      if (!reference.empty()) each.references.push_back(std::move(reference));
    }
    out.push_back(std::move(each));
  }
  return out;
}

void check(const message::ThreadForest& forest, const std::vector<message::ThreadMessage>& messages) {
  std::vector<int> seen(messages.size() + 1);
  const auto when = [&](std::uint32_t node) {
    while (forest.nodes[node].number == 0) node = forest.nodes[node].children.at(0);
    const auto number = forest.nodes[node].number;
    return std::pair(messages[number - 1].sent, number);
  };
  const auto sorted = [&](const std::vector<std::uint32_t>& siblings) { return std::ranges::is_sorted(siblings, {}, when); };
  require(sorted(forest.roots));
  std::vector<std::uint32_t> open = forest.roots;
  for (const auto root : open) require(forest.nodes[root].number != 0 || forest.nodes[root].children.size() > 1);
  while (!open.empty()) {
    const auto& node = forest.nodes[open.back()];
    open.pop_back();
    if (node.number != 0) ++seen.at(node.number);
    require(sorted(node.children));
    for (const auto child : node.children) {
      require(forest.nodes[child].number != 0);
      open.push_back(child);
    }
    require(open.size() <= 2 * messages.size());
  }
  for (std::size_t i = 1; i < seen.size(); ++i) require(seen[i] == 1);
  std::string text;
  message::append_threads(text, forest);
  require(std::ranges::count(text, '(') == std::ranges::count(text, ')'));
  std::size_t numbers = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto is_digit = [&](std::size_t j) { return text[j] >= '0' && text[j] <= '9'; };
    if (is_digit(i) && (i == 0 || !is_digit(i - 1))) ++numbers;
  }
  require(numbers == messages.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto messages = make_messages(data, size);
  check(message::thread_references(messages), messages);
  check(message::thread_ordered_subject(messages), messages);
  return 0;
}
