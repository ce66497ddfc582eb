// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOPosix

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Multicast DNS on one interface: a socket, and the machine that it feeds.
///
/// Confined to its event loop.
final class DiscoveryLink: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private static let reusePort = NIOBSDSocket.Option(rawValue: SO_REUSEPORT)

    private let loop: any EventLoop
    private let found: (PeerID, [Multiaddr]) -> Void
    private let listens: () -> [Multiaddr]
    private let address: UInt32
    private var generator = SystemRandomNumberGenerator()
    private var machine: PeerDiscovery
    private var channel: (any Channel)?
    private var timer: Scheduled<Void>?
    private var isClosed = false

    init(
        peer: PeerID, address: UInt32, loop: any EventLoop,
        found: @escaping (PeerID, [Multiaddr]) -> Void, listens: @escaping () -> [Multiaddr]
    ) {
        self.loop = loop
        self.found = found
        self.listens = listens
        self.address = address
        machine = PeerDiscovery(peer: peer, addresses: [], using: &generator)
    }

    /// Joins the group on the interface and asks at once.
    func open(_ device: NIONetworkDevice) -> EventLoopFuture<Void> {
        let group: SocketAddress
        do {
            group = try SocketAddress(
                ipAddress: DiscoveryService.group, port: DiscoveryService.port)
        } catch { return loop.makeFailedFuture(error) }
        return DatagramBootstrap(group: loop)
            .channelOption(.socketOption(.so_reuseaddr), value: 1)
            .channelOption(.socketOption(Self.reusePort), value: 1)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 9001))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(self)
                }
            }
            .bind(to: group)
            .flatMap { channel in self.join(group, device, channel) }
            .map { channel in
                self.channel = channel
                self.run { machine, now, generator in machine.tick(at: now, using: &generator) }
            }
    }

    private func join(
        _ group: SocketAddress, _ device: NIONetworkDevice, _ channel: any Channel
    ) -> EventLoopFuture<any Channel> {
        guard let multicast = channel as? any MulticastChannel,
            let options = channel as? any SocketOptionProvider
        else { return loop.makeFailedFuture(ChannelError.operationUnsupported) }
        // The option takes the four bytes of the address as they are sent.
        let interface = CInt(bitPattern: address.bigEndian)
        return multicast.joinGroup(group, device: device)
            .flatMap {
                options.unsafeSetSocketOption(
                    level: .ip, name: .ip_multicast_if, value: interface)
            }
            .flatMap { options.setIPMulticastTTL(255) }
            // Others on this machine are to hear us, and we ourselves, as the rules want it.
            .flatMap { options.setIPMulticastLoop(1) }
            .map { channel }
    }

    func close() -> EventLoopFuture<Void> {
        isClosed = true
        timer?.cancel()
        return channel?.close() ?? loop.makeSucceededVoidFuture()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Array(Self.unwrapInboundIn(data).data.readableBytesView)
        run { machine, now, generator in machine.receive(bytes, at: now, using: &generator) }
    }

    /// A datagram that could not be sent or read is lost, as on any link.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}

    private func run(
        _ step: (inout PeerDiscovery, UInt64, inout SystemRandomNumberGenerator)
            -> [PeerDiscovery.Effect]
    ) {
        guard !isClosed else { return }
        let now = NIODeadline.now().uptimeNanoseconds / 1_000_000
        machine.addresses = listens()
        for effect in step(&machine, now, &generator) {
            switch effect {
            case .send(let bytes): send(bytes)
            case .found(let peer, let addresses): found(peer, addresses)
            }
        }
        timer?.cancel()
        // Rounded up, so that what is due then is.
        let due = NIODeadline.uptimeNanoseconds((machine.nextDeadline + 1) * 1_000_000)
        timer = loop.scheduleTask(deadline: due) { [weak self] in
            self?.run { machine, now, generator in machine.tick(at: now, using: &generator) }
        }
    }

    private func send(_ bytes: [UInt8]) {
        guard let channel, channel.isWritable, let group = channel.localAddress else { return }
        let envelope = AddressedEnvelope(remoteAddress: group, data: ByteBuffer(bytes: bytes))
        channel.writeAndFlush(envelope, promise: nil)
    }
}
