#pragma once
// A preallocated file of fixed size in memory: what is copied into it survives the death of the process (the kernel has the page),
// and a power cut as soon as sync() has covered it. For records that many threads add and that must cost no system call.
//
// All of its blocks are the file's before it is mapped, so a full disk cannot strike a store into it. One owner; data() may be
// written by any thread that the owner lets; the other calls block: never on a loop.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace godwit::store {

class MappedFile {
 public:
  // A new file of `bytes` zeroes, mode 0600. `full` on ENOSPC: nothing is left of it then.
  static Result<std::unique_ptr<MappedFile>> create(const std::string& path, std::size_t bytes);
  // An existing one, made `bytes` long if it is shorter.
  static Result<std::unique_ptr<MappedFile>> open(const std::string& path, std::size_t bytes);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  char* data() { return data_; }
  std::size_t size() const { return size_; }

  // Makes the pages of [from, to) writable now, so that whoever stores there next meets no page fault. A hint.
  void prepare(std::size_t from, std::size_t to);
  // Returns when what was stored in [from, to) before the call is on stable storage.
  Result<void> sync(std::size_t from, std::size_t to);
  // Gives back what lies behind `bytes` when nobody stores any more; the file shrinks, data() is gone.
  Result<void> close_at(std::size_t bytes);

 private:
  MappedFile(int fd, char* data, std::size_t size, std::string path) : fd_(fd), data_(data), size_(size), path_(std::move(path)) {}
  static Result<std::unique_ptr<MappedFile>> map(int fd, const std::string& path, std::size_t bytes);

  int fd_;
  char* data_;
  std::size_t size_;
  std::string path_;
};

}  // namespace godwit::store
