// RFC 5256 3, REFERENCES, in its six steps.

#include <algorithm>
#include <ranges>
#include <unordered_map>
#include <utility>

#include "grammar/message/link_forest.h"
#include "grammar/message/threading.h"

namespace godwit::message {
namespace {

using Node = LinkForest::Node;

// Nodes 0 to n-1 are the messages, in their order; dummies follow.
class References {
 public:
  References(std::span<const ThreadEntry> messages, std::span<const std::uint64_t> references)
      : messages_(messages), references_(references), replies_(messages.size()) {}

  ThreadForest run() {
    link();
    gather();
    prune();
    sort();
    merge_subjects();
    sort();
    for (std::size_t i = 0; i < messages_.size(); ++i) forest_.nodes[i].number = messages_[i].number;
    return std::move(forest_);
  }

 private:
  bool is_dummy(Node node) const { return node >= messages_.size(); }
  std::vector<Node>& children(Node node) { return forest_.nodes[node].children; }

  void link();
  Node node_of(std::uint64_t message_id);
  void gather();
  void prune();
  void sort();
  std::vector<Node*> find_subjects();
  void merge_subjects();
  // RFC 5256 2.2: by sent date, then by place in the mailbox; a dummy as its first child.
  std::pair<std::chrono::sys_seconds, Node> when(Node node) {
    const Node message = first_message(node);
    return {messages_[message].sent, message};
  }
  Node first_message(Node node) { return is_dummy(node) ? children(node).front() : node; }

  std::span<const ThreadEntry> messages_;
  std::span<const std::uint64_t> references_;
  LinkForest links_;
  std::unordered_map<std::uint64_t, Node> ids_;
  ThreadForest forest_;
  std::unordered_map<std::uint64_t, Node> subjects_;  // RFC 5256 3: the "subject table"
  std::vector<bool> replies_;                       // of messages that are, or stand for, a root: whether replies or forwards
};

Node References::node_of(std::uint64_t message_id) {
  const auto [found, added] = ids_.try_emplace(message_id, LinkForest::kNone);
  if (added) found->second = links_.add();
  return found->second;
}

// Step 1
void References::link() {
  ids_.reserve(messages_.size());
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    const Node node = links_.add();
    if (messages_[i].message_id != 0) ids_.try_emplace(messages_[i].message_id, node);  // of doubles the first
  }
  for (Node node = 0; node < messages_.size(); ++node) {
    Node before = LinkForest::kNone;
    for (const auto reference : references_.subspan(messages_[node].references_begin, messages_[node].references_count)) {
      const Node next = node_of(reference);
      if (before != LinkForest::kNone && links_.parent(next) == LinkForest::kNone) links_.link(next, before);  // (A)
      before = next;
    }
    links_.cut(node);  // (B)
    if (before != LinkForest::kNone) links_.link(node, before);
  }
}

// Step 2
void References::gather() {
  forest_.nodes.resize(links_.size());
  for (Node node = 0; node < links_.size(); ++node) {
    const Node parent = links_.parent(node);
    (parent == LinkForest::kNone ? forest_.roots : children(parent)).push_back(node);
  }
}

// Step 3. The order of siblings does not matter yet, so the shorter list moves.
void References::prune() {
  std::vector<Node> order = forest_.roots;  // parents before their children
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto& below = children(order[i]);
    order.insert(order.end(), below.begin(), below.end());
  }
  const auto promote = [this](std::vector<Node>& siblings, Node node) {
    if (!is_dummy(node)) return siblings.push_back(node);
    auto promoted = std::move(children(node));
    children(node).clear();
    if (promoted.size() > siblings.size()) std::swap(promoted, siblings);
    siblings.insert(siblings.end(), promoted.begin(), promoted.end());
  };
  for (const Node node : std::views::reverse(order)) {
    const auto old = std::exchange(children(node), {});
    std::vector<Node> siblings;
    for (const Node child : old) promote(siblings, child);
    children(node) = std::move(siblings);
  }
  std::vector<Node> roots;
  for (const Node root : forest_.roots) {
    if (is_dummy(root) && children(root).size() <= 1)
      promote(roots, root);
    else
      roots.push_back(root);
  }
  forest_.roots = std::move(roots);
}

// Steps 4 and 6. Dummies are at the top alone: so what is below may be sorted in any order, but before the top.
void References::sort() {
  const auto by_date = [this](Node node) { return when(node); };
  for (auto& node : forest_.nodes) std::ranges::sort(node.children, {}, by_date);
  std::ranges::sort(forest_.roots, {}, by_date);
}

// Step 5 (B): whom the threads of each subject are merged with. Null: the thread has no subject.
std::vector<Node*> References::find_subjects() {
  std::vector<Node*> out;
  for (const Node root : forest_.roots) {
    const Node message = first_message(root);
    const std::uint64_t subject = messages_[message].base_subject;
    replies_[message] = messages_[message].reply_or_forward;
    if (subject == 0) {
      out.push_back(nullptr);
      continue;
    }
    const auto [found, added] = subjects_.try_emplace(subject, root);
    Node& known = found->second;
    out.push_back(&known);
    if (added || is_dummy(known)) continue;
    if (is_dummy(root) || (replies_[known] && !replies_[root])) known = root;
  }
  return out;
}

// Step 5 (C)
void References::merge_subjects() {
  const auto known = find_subjects();
  const std::size_t before = forest_.nodes.size();
  std::vector<bool> merged(before);
  for (std::size_t i = 0; i < known.size(); ++i) {
    const Node current = forest_.roots[i];
    if (known[i] == nullptr || *known[i] == current) continue;
    merged[current] = true;
    Node& table = *known[i];
    if (is_dummy(table) && is_dummy(current)) {
      const auto below = std::exchange(children(current), {});
      children(table).insert(children(table).end(), below.begin(), below.end());
    } else if (is_dummy(table) || (replies_[current] && !replies_[table])) {
      children(table).push_back(current);
    } else {
      merged[table] = true;
      forest_.nodes.push_back({0, {table, current}});
      table = static_cast<Node>(forest_.nodes.size() - 1);
    }
  }
  std::erase_if(forest_.roots, [&](Node root) { return merged[root]; });
  for (auto node = static_cast<Node>(before); node < forest_.nodes.size(); ++node) forest_.roots.push_back(node);
}

}  // namespace

ThreadForest thread_references(std::span<const ThreadEntry> messages, std::span<const std::uint64_t> references) {
  return References(messages, references).run();
}

}  // namespace godwit::message
