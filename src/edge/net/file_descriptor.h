#pragma once
// A file descriptor with an owner, and what errno says about a socket as an Error. Internal to edge.

#include <unistd.h>

#include <string_view>
#include <utility>

#include "base/ip.h"
#include "base/result.h"

struct sockaddr_storage;

namespace godwit::net {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~FileDescriptor() { reset(); }

  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

// "connect to 192.0.2.1:25: Connection refused". A lost connection is `closed`; all are temporary.
Error socket_error(std::string_view what, int code);

// Endpoints as the kernel wants them. All zero for a Unix socket.
unsigned to_sockaddr(const Endpoint& endpoint, sockaddr_storage& out);  // the length
Endpoint from_sockaddr(const sockaddr_storage& address);
Endpoint local_endpoint(int fd);

}  // namespace godwit::net
