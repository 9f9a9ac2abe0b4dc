#include "grammar/message/link_forest.h"

#include "base/result.h"

namespace godwit::message {

LinkForest::Node LinkForest::add() {
  entries_.emplace_back();
  return static_cast<Node>(entries_.size() - 1);
}

bool LinkForest::is_splay_root(Node node) const {
  const Node up = entries_[node].up;
  return up == kNone || (entries_[up].left != node && entries_[up].right != node);
}

void LinkForest::rotate(Node node) {
  const Node up = entries_[node].up;
  const Node above = entries_[up].up;
  const bool was_root = is_splay_root(up);
  const bool left = entries_[up].left == node;
  Node& inner = left ? entries_[node].right : entries_[node].left;
  (left ? entries_[up].left : entries_[up].right) = inner;
  if (inner != kNone) entries_[inner].up = up;
  inner = up;
  entries_[up].up = node;
  entries_[node].up = above;
  if (was_root) return;
  (entries_[above].left == up ? entries_[above].left : entries_[above].right) = node;
}

void LinkForest::splay(Node node) {
  while (!is_splay_root(node)) {
    const Node up = entries_[node].up;
    if (!is_splay_root(up)) {
      const Node above = entries_[up].up;
      const bool same_side = (entries_[up].left == node) == (entries_[above].left == up);
      rotate(same_side ? up : node);
    }
    rotate(node);
  }
}

void LinkForest::access(Node node) {
  Node below = kNone;
  for (Node path = node; path != kNone; path = entries_[path].up) {
    splay(path);
    entries_[path].right = below;
    below = path;
  }
  splay(node);
}

LinkForest::Node LinkForest::find_root(Node node) {
  access(node);
  while (entries_[node].left != kNone) node = entries_[node].left;
  splay(node);  // pays for the way
  return node;
}

bool LinkForest::link(Node child, Node parent) {
  GODWIT_CHECK(entries_[child].real_parent == kNone);
  if (find_root(parent) == child) return false;
  access(child);
  entries_[child].up = parent;
  entries_[child].real_parent = parent;
  return true;
}

void LinkForest::cut(Node child) {
  if (entries_[child].real_parent == kNone) return;
  access(child);
  const Node above = entries_[child].left;
  entries_[child].left = kNone;
  entries_[above].up = kNone;
  entries_[child].real_parent = kNone;
}

}  // namespace godwit::message
