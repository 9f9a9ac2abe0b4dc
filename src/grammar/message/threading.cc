#include "grammar/message/threading.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "grammar/message/base_subject.h"
#include "grammar/message/casemap.h"

namespace godwit::message {

namespace {

// Gives the same number to what is the same, from 1 on.
class Numbers {
 public:
  std::uint64_t of(std::string text) {
    if (text.empty()) return 0;
    return known_.try_emplace(std::move(text), known_.size() + 1).first->second;
  }

 private:
  std::unordered_map<std::string, std::uint64_t> known_;
};

struct Entries {
  std::vector<ThreadEntry> messages;
  std::vector<std::uint64_t> references;
};

Entries numbered(std::span<const ThreadMessage> messages) {
  Entries out;
  Numbers ids;
  Numbers subjects;
  for (const auto& message : messages) {
    const auto subject = base_subject(message.subject);
    out.messages.push_back({.number = message.number,
                            .message_id = ids.of(message.message_id),
                            .references_begin = out.references.size(),
                            .references_count = message.references.size(),
                            .base_subject = subjects.of(casemap(subject.text)),
                            .reply_or_forward = subject.reply_or_forward,
                            .sent = message.sent});
    for (const auto& each : message.references) out.references.push_back(ids.of(each));
  }
  return out;
}

void append_number(std::string& out, std::uint32_t number) {
  char digits[std::numeric_limits<std::uint32_t>::digits10 + 1];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

}  // namespace

ThreadForest thread_references(std::span<const ThreadMessage> messages) {
  const Entries entries = numbered(messages);
  return thread_references(entries.messages, entries.references);
}

ThreadForest thread_ordered_subject(std::span<const ThreadMessage> messages) { return thread_ordered_subject(numbered(messages).messages); }

ThreadForest thread_ordered_subject(std::span<const ThreadEntry> messages) {
  ThreadForest forest;
  forest.nodes.resize(messages.size());
  std::vector<std::uint32_t> order(messages.size());
  for (std::uint32_t i = 0; i < messages.size(); ++i) {
    forest.nodes[i].number = messages[i].number;
    order[i] = i;
  }
  // an index grows with the place in the mailbox
  const auto when = [&](std::uint32_t i) { return std::pair(messages[i].sent, i); };
  std::ranges::sort(order, {}, [&](std::uint32_t i) { return std::tuple(messages[i].base_subject, messages[i].sent, i); });
  for (std::size_t at = 0; at < order.size(); ++at) {
    const std::uint32_t message = order[at];
    const bool begins = at == 0 || messages[order[at - 1]].base_subject != messages[message].base_subject;
    if (begins)
      forest.roots.push_back(message);
    else
      forest.nodes[forest.roots.back()].children.push_back(message);
  }
  std::ranges::sort(forest.roots, {}, when);
  return forest;
}

void append_threads(std::string& out, const ThreadForest& forest) {
  struct Step {
    const std::vector<std::uint32_t>* siblings;
    std::size_t next = 0;
    bool lists = true;  // each of them in parentheses
  };
  std::vector<Step> steps{{&forest.roots}};
  while (!steps.empty()) {
    auto& step = steps.back();
    if (step.lists && step.next > 0) out += ')';
    if (step.next == step.siblings->size()) {
      steps.pop_back();
      continue;
    }
    const auto& node = forest.nodes[(*step.siblings)[step.next++]];
    if (step.lists)
      out += '(';
    else if (node.number != 0)
      out += ' ';
    if (node.number != 0) append_number(out, node.number);
    if (node.children.empty()) continue;
    const bool lists = node.children.size() > 1;
    if (lists && node.number != 0) out += ' ';
    steps.push_back({&node.children, 0, lists});
  }
}

}  // namespace godwit::message
