#pragma once
// Trees whose links come and go, and the answer to "would this link close a loop?" in logarithmic time: link-cut trees (Sleator and
// Tarjan, "A data structure for dynamic trees", 1983) on splay trees, without change of root. Used by threading alone.

#include <cstdint>
#include <vector>

namespace godwit::message {

class LinkForest {
 public:
  using Node = std::uint32_t;
  static constexpr Node kNone = UINT32_MAX;

  Node add();  // a tree of its own; numbers count from 0
  Node parent(Node node) const { return entries_[node].real_parent; }
  // False and nothing done if `parent` is below `child`, or is it. `child` has no parent.
  bool link(Node child, Node parent);
  void cut(Node child);  // from its parent, if it has one
  std::size_t size() const { return entries_.size(); }

 private:
  // Each path from a node up to an ancestor is a splay tree, the ancestor leftmost; the rest of its links lead from tree to tree.
  struct Entry {
    Node up = kNone;  // in the splay tree; of its root: the node that its path hangs from
    Node left = kNone;
    Node right = kNone;
    Node real_parent = kNone;
  };

  bool is_splay_root(Node node) const;
  void rotate(Node node);
  void splay(Node node);
  void access(Node node);  // makes the path from the root to it one splay tree, with it on top
  Node find_root(Node node);

  std::vector<Entry> entries_;
};

}  // namespace godwit::message
