using System.Reflection;
using System.Runtime.InteropServices;

namespace KafkaBackup.LocalBroker.Log.Compression;

/// <summary>zstd through the system's library.</summary>
internal static unsafe partial class ZstdLibrary
{
    private const string Library = "zstd";

    static ZstdLibrary() => NativeLibrary.SetDllImportResolver(typeof(ZstdLibrary).Assembly, Resolve);

    public static byte[] Decompress(ReadOnlySpan<byte> data)
    {
        var stream = ZSTD_createDStream();
        try
        {
            using var output = new MemoryStream();
            var chunk = new byte[128 * 1024];
            fixed (byte* source = data)
            fixed (byte* target = chunk)
            {
                var input = new Buffer { Data = source, Size = (nuint)data.Length };
                while (true)
                {
                    var piece = new Buffer { Data = target, Size = (nuint)chunk.Length };
                    var result = Check(ZSTD_decompressStream(stream, &piece, &input));
                    output.Write(chunk, 0, (int)piece.Position);
                    if (result == 0 && input.Position == input.Size)
                        return output.ToArray();
                    if (piece.Position == 0 && input.Position == input.Size)
                        throw new InvalidDataException("a zstd frame ends early");
                }
            }
        }
        finally
        {
            ZSTD_freeDStream(stream);
        }
    }

    public static byte[] Compress(ReadOnlySpan<byte> data)
    {
        var output = new byte[(int)ZSTD_compressBound((nuint)data.Length)];
        fixed (byte* source = data)
        fixed (byte* target = output)
        {
            var length = Check(ZSTD_compress(target, (nuint)output.Length, source, (nuint)data.Length, 1));
            return output[..(int)length];
        }
    }

    private static nuint Check(nuint result) => ZSTD_isError(result) == 0
        ? result
        : throw new InvalidDataException($"zstd: {Marshal.PtrToStringUTF8(ZSTD_getErrorName(result))}");

    private static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != Library)
            return IntPtr.Zero;
        string[] candidates = ["libzstd.so.1", "libzstd.1.dylib", "/opt/homebrew/lib/libzstd.dylib", "zstd.dll", "libzstd.dll"];
        foreach (var candidate in candidates)
        {
            if (NativeLibrary.TryLoad(candidate, assembly, path, out var handle))
                return handle;
        }

        return IntPtr.Zero;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Buffer
    {
        public byte* Data;
        public nuint Size;
        public nuint Position;
    }

    [LibraryImport(Library)]
    private static partial IntPtr ZSTD_createDStream();

    [LibraryImport(Library)]
    private static partial nuint ZSTD_freeDStream(IntPtr stream);

    [LibraryImport(Library)]
    private static partial nuint ZSTD_decompressStream(IntPtr stream, Buffer* output, Buffer* input);

    [LibraryImport(Library)]
    private static partial nuint ZSTD_compressBound(nuint size);

    [LibraryImport(Library)]
    private static partial nuint ZSTD_compress(byte* target, nuint capacity, byte* source, nuint size, int level);

    [LibraryImport(Library)]
    private static partial uint ZSTD_isError(nuint code);

    [LibraryImport(Library)]
    private static partial IntPtr ZSTD_getErrorName(nuint code);
}
