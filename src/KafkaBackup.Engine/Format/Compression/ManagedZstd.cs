using ZstdSharp.Unsafe;

namespace KafkaBackup.Engine.Format.Compression;

/// <summary>zstd in C# (ZstdSharp): works everywhere, with nothing installed.</summary>
internal sealed unsafe class ManagedZstd : ZstdLibrary
{
    public override nint CreateCompressor() => (nint)Methods.ZSTD_createCCtx();

    public override void FreeCompressor(nint context) => Methods.ZSTD_freeCCtx((ZSTD_CCtx_s*)context);

    public override nuint SetParameter(nint context, int parameter, int value) =>
        Methods.ZSTD_CCtx_setParameter((ZSTD_CCtx_s*)context, (ZSTD_cParameter)parameter, value);

    public override nuint Compress(nint context, byte* target, nuint capacity, byte* source, nuint length) =>
        Methods.ZSTD_compress2((ZSTD_CCtx_s*)context, target, capacity, source, length);

    public override nint CreateDecompressor() => (nint)Methods.ZSTD_createDCtx();

    public override void FreeDecompressor(nint context) => Methods.ZSTD_freeDCtx((ZSTD_DCtx_s*)context);

    public override nuint Decompress(nint context, byte* target, nuint capacity, byte* source, nuint length) =>
        Methods.ZSTD_decompressDCtx((ZSTD_DCtx_s*)context, target, capacity, source, length);

    public override nuint DecompressStream(nint context, ZstdBuffer* output, ZstdBuffer* input)
    {
        var to = new ZSTD_outBuffer_s
        {
            dst = output->Memory,
            size = output->Size,
            pos = output->Position,
        };
        var from = new ZSTD_inBuffer_s
        {
            src = input->Memory,
            size = input->Size,
            pos = input->Position,
        };
        var result = Methods.ZSTD_decompressStream((ZSTD_DCtx_s*)context, &to, &from);
        output->Position = to.pos;
        input->Position = from.pos;
        return result;
    }

    public override bool IsError(nuint result) => Methods.ZSTD_isError(result);

    public override string ErrorName(nuint result) => Methods.ZSTD_getErrorName(result);
}
