#include "grammar/message/threading.h"

#include <algorithm>
#include <unordered_map>

#include "grammar/message/base_subject.h"
#include "grammar/message/casemap.h"

namespace godwit::message {

ThreadForest thread_ordered_subject(std::span<const ThreadMessage> messages) {
  ThreadForest forest;
  std::unordered_map<std::string, std::vector<std::uint32_t>> threads;
  for (std::uint32_t i = 0; i < messages.size(); ++i) {
    forest.nodes.push_back({messages[i].number, {}});
    threads[casemap(base_subject(messages[i].subject).text)].push_back(i);
  }
  // an index grows with the place in the mailbox
  const auto when = [&](std::uint32_t i) { return std::pair(messages[i].sent, i); };
  for (auto& [subject, thread] : threads) {
    std::ranges::sort(thread, {}, when);
    forest.roots.push_back(thread.front());
    forest.nodes[thread.front()].children.assign(thread.begin() + 1, thread.end());
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
    if (node.number != 0) out += std::to_string(node.number);
    if (node.children.empty()) continue;
    const bool lists = node.children.size() > 1;
    if (lists && node.number != 0) out += ' ';
    steps.push_back({&node.children, 0, lists});
  }
}

}  // namespace godwit::message
