using System.Reflection;
using System.Runtime.InteropServices;

namespace KafkaBackup.Engine.Format.Compression;

/// <summary>The machine's libzstd.</summary>
internal sealed unsafe class NativeZstd : ZstdLibrary
{
    // 1.4.0 made the calls below stable.
    private const uint OldestVersion = 10400;

    private readonly delegate* unmanaged[Cdecl]<nint> _createCompressor;
    private readonly delegate* unmanaged[Cdecl]<nint, nuint> _freeCompressor;
    private readonly delegate* unmanaged[Cdecl]<nint, int, int, nuint> _setParameter;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, nuint> _compress;
    private readonly delegate* unmanaged[Cdecl]<nint> _createDecompressor;
    private readonly delegate* unmanaged[Cdecl]<nint, nuint> _freeDecompressor;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, nuint> _decompress;
    private readonly delegate* unmanaged[Cdecl]<nint, ZstdBuffer*, ZstdBuffer*, nuint> _decompressStream;
    private readonly delegate* unmanaged[Cdecl]<nuint, uint> _isError;
    private readonly delegate* unmanaged[Cdecl]<nuint, byte*> _errorName;

    private NativeZstd(nint handle)
    {
        _createCompressor = (delegate* unmanaged[Cdecl]<nint>)NativeLibrary.GetExport(handle, "ZSTD_createCCtx");
        _freeCompressor = (delegate* unmanaged[Cdecl]<nint, nuint>)NativeLibrary.GetExport(handle, "ZSTD_freeCCtx");
        _setParameter = (delegate* unmanaged[Cdecl]<nint, int, int, nuint>)NativeLibrary.GetExport(handle, "ZSTD_CCtx_setParameter");
        _compress = (delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, nuint>)NativeLibrary.GetExport(handle, "ZSTD_compress2");
        _createDecompressor = (delegate* unmanaged[Cdecl]<nint>)NativeLibrary.GetExport(handle, "ZSTD_createDCtx");
        _freeDecompressor = (delegate* unmanaged[Cdecl]<nint, nuint>)NativeLibrary.GetExport(handle, "ZSTD_freeDCtx");
        _decompress = (delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, nuint>)
            NativeLibrary.GetExport(handle, "ZSTD_decompressDCtx");
        _decompressStream = (delegate* unmanaged[Cdecl]<nint, ZstdBuffer*, ZstdBuffer*, nuint>)
            NativeLibrary.GetExport(handle, "ZSTD_decompressStream");
        _isError = (delegate* unmanaged[Cdecl]<nuint, uint>)NativeLibrary.GetExport(handle, "ZSTD_isError");
        _errorName = (delegate* unmanaged[Cdecl]<nuint, byte*>)NativeLibrary.GetExport(handle, "ZSTD_getErrorName");
    }

    /// <summary>Null when this machine has no usable one.</summary>
    public static NativeZstd? Find() => Load(Candidates());

    /// <summary>Null when none of the names is a usable library.</summary>
    internal static NativeZstd? Load(IEnumerable<string> candidates)
    {
        foreach (var name in candidates)
        {
            if (!NativeLibrary.TryLoad(name, Assembly.GetExecutingAssembly(), null, out var handle))
            {
                continue;
            }

            if (IsUsable(handle))
            {
                return new NativeZstd(handle);
            }

            NativeLibrary.Free(handle);
        }

        return null;
    }

    public override nint CreateCompressor() => _createCompressor();

    public override void FreeCompressor(nint context) => _freeCompressor(context);

    public override nuint SetParameter(nint context, int parameter, int value) => _setParameter(context, parameter, value);

    public override nuint Compress(nint context, byte* target, nuint capacity, byte* source, nuint length) =>
        _compress(context, target, capacity, source, length);

    public override nint CreateDecompressor() => _createDecompressor();

    public override void FreeDecompressor(nint context) => _freeDecompressor(context);

    public override nuint Decompress(nint context, byte* target, nuint capacity, byte* source, nuint length) =>
        _decompress(context, target, capacity, source, length);

    public override nuint DecompressStream(nint context, ZstdBuffer* output, ZstdBuffer* input) =>
        _decompressStream(context, output, input);

    public override bool IsError(nuint result) => _isError(result) != 0;

    public override string ErrorName(nuint result) => Marshal.PtrToStringUTF8((nint)_errorName(result)) ?? "unknown error";

    private static bool IsUsable(nint handle)
    {
        if (
            !NativeLibrary.TryGetExport(handle, "ZSTD_versionNumber", out var version)
            || !NativeLibrary.TryGetExport(handle, "ZSTD_compress2", out _)
        )
        {
            return false;
        }

        return ((delegate* unmanaged[Cdecl]<uint>)version)() >= OldestVersion;
    }

    private static string[] Candidates()
    {
        if (OperatingSystem.IsWindows())
        {
            // The first is what librdkafka's package brings along.
            return ["zstd.dll", "libzstd.dll"];
        }

        if (OperatingSystem.IsMacOS())
        {
            return
            [
                "libzstd.1.dylib",
                "libzstd.dylib",
                "/opt/homebrew/lib/libzstd.1.dylib",
                "/opt/homebrew/opt/zstd/lib/libzstd.dylib",
                "/usr/local/lib/libzstd.1.dylib",
                "/usr/local/opt/zstd/lib/libzstd.dylib",
                "/opt/local/lib/libzstd.1.dylib",
            ];
        }

        return ["libzstd.so.1", "libzstd.so"];
    }
}
